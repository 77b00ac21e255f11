"""CSV records: quoting, short and long records, line ends inside cells, quotes where they do not belong."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import field_of
from transforms.formats.csv_records import CsvRecords, header_of, whole_records
from transforms.formats.records import ROW, Chunk


def read(data: bytes, names: list[str], *, limit: int = 1_000, cut: int = 10_000) -> tuple[list[dict[str, str]], list[tuple[int, str]]]:
    lines = data.splitlines(keepends=True)
    chunks, offset, line = [], 0, 1
    while lines:
        piece, lines = b"".join(lines[:cut]), lines[cut:]
        chunks.append(Chunk(piece, offset, line))
        offset, line = offset + len(piece), line + piece.count(b"\n")
    logs: list[tuple[int, dict[str, str]]] = []
    bad = []
    for chunk in whole_records(iter(chunks), limit):
        parsed = CsvRecords(names, limit).parse(chunk)
        starts = [chunk.offset + int(start) for start in parsed.starts]
        for frame in parsed.frames:
            for record in frame.iter_rows(named=True):
                row = record.pop(ROW)
                logs.append((starts[row], {field_of(name): value for name, value in record.items() if value is not None}))
        bad += [(starts[record.row], record.reason) for record in parsed.bad]
    return [log for _, log in sorted(logs, key=lambda pair: pair[0])], sorted(bad)


def test_quotes_and_missing_cells() -> None:
    logs, bad = read(b'1,2\n"a\nb",""\n\n,"q""r"\r\n3\n4,5,6\n7,8', ["x", "y"])
    assert logs == [{"x": "1", "y": "2"}, {"x": "a\nb", "y": ""}, {"y": 'q"r'}, {"x": "3"}, {"x": "7", "y": "8"}]
    assert [reason for _, reason in bad] == ["too-many-fields"]


def test_quotes_inside_unquoted_cells() -> None:
    logs, bad = read(b'1,5" disk\n2,3\n4,6" disk\n', ["x", "y"])
    assert logs == [{"x": "1", "y": '5" disk'}, {"x": "2", "y": "3"}, {"x": "4", "y": '6" disk'}]
    assert bad == []


def test_an_open_quote_costs_one_line() -> None:
    logs, bad = read(b'1,2\n3,"4\n5,6\n7,8\n', ["x", "y"])
    assert logs == [{"x": "1", "y": "2"}, {"x": "5", "y": "6"}, {"x": "7", "y": "8"}]
    assert bad == [(4, "too-long")]


def test_an_open_quote_does_not_swallow_a_long_input() -> None:
    logs, bad = read(b'1,2\n3,"4\n' + b"5,6\n" * 1_000, ["x", "y"], limit=100, cut=50)
    assert len(logs) == 1_001
    assert bad == [(4, "too-long")]


def test_bad_bytes() -> None:
    logs, bad = read(b'1,2\n3,\xff\n"\xc3\xa9\n",6\n', ["x", "y"])
    assert logs == [{"x": "1", "y": "2"}, {"x": "é\n", "y": "6"}]
    assert bad == [(4, "not-utf8")]


CELLS = st.text(st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"]), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=20),
    st.integers(1, 5), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)  # fmt: skip
def test_written_by_the_standard_library(rows: list[list[str]], cut: int, quoting: int) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    logs, bad = read(out.getvalue().encode(), ["x", "y"], cut=cut)
    assert logs == [{"x": x, "y": y} for x, y in rows]
    assert bad == []


def test_headers() -> None:
    assert header_of(b'\xef\xbb\xbfa,"b,c"\r\n', "x.csv") == ["a", "b,c"]
    for header in (b"", b"a,a\n", b"\xff\n"):
        with pytest.raises(ParameterInvalid):
            header_of(header, "x.csv")
