"""Export, and that what was exported imports as the same logs."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.export_logs import export_logs, formats_of_name
from pipelines.home import Home
from tests.conftest import Cli
from tests.pipelines.import_probe import import_files, logs_of, make_store
from transforms.core.interval import Interval
from transforms.core.log_group import LogGroup
from transforms.formats.event_times import LogSettings
from transforms.formats.json_lines import JsonLines
from transforms.formats.readers import reader_of
from transforms.formats.records import Chunk
from transforms.formats.rendering import json_lines

FAR = 2**61
STRANGE = [
    {"a": "", "A": "x", "a b": 'q"\\\n\t\x00\x1f', "é日": "日本 😀", "": "empty name", "__topic__": "t", "__tag__:pod": "p", "~row": "~"},
    {"n": "1.50", "obj": '{"x": [1, 2.50]}', "null": "null", "csv": 'a,b\r\n"c"'},
    {},
    {"a": "only"},
]
TIMES = [(1_700_000_000, 123_456_789), (-2, 750_000_000), (0, 0), (-1, 500_000_000)]


@pytest.fixture
def filled(home: Home) -> Home:
    make_store(home)
    make_store(home, "copy")
    store = home.open_logstore("default", "web")
    for part in (slice(0, 2), slice(2, 4)):
        store.append([LogGroup.from_logs(STRANGE[part], [s for s, _ in TIMES[part]], [n for _, n in TIMES[part]])])
    return home


def exported(home: Home, **options: object) -> bytes:
    out = io.BytesIO()
    export_logs(home.open_logstore("default", "web"), out, received_before_us=FAR, **options)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize(("format", "compression"), [
    ("jsonl", "none"), ("jsonl", "gzip"), ("jsonl", "zstd"), ("csv", "none"), ("csv", "zstd"), ("parquet", "none"),
])  # fmt: skip
def test_round_trip(filled: Home, tmp_path: Path, format: str, compression: str) -> None:
    file = tmp_path / f"x.{format}"
    file.write_bytes(exported(filled, format=format, compression=compression))
    assert import_files(filled, file, store="copy").dead == {}
    assert logs_of(filled, "copy") == logs_of(filled)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=4), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(-(10**11), 10**11), st.integers(0, 999_999_999)), min_size=8, max_size=8),
)
def test_json_lines_read_back(logs: list[dict[str, str]], times: list[tuple[int, int]]) -> None:
    for log in logs:
        log.pop("__time__", None)
    times = times[: len(logs)]
    data = json_lines(LogGroup.from_logs(logs, [s for s, _ in times], [n for _, n in times]))
    reader = reader_of("jsonl", LogSettings(0), 1 << 20)
    batch = reader.parse(Chunk(data, 0, 1), "x")
    assert batch.dead == []
    found = [(s, n, log) for group in batch.groups
             for s, n, log in zip(group.seconds.to_pylist(), group.table["~time_ns"].to_pylist(), group.to_logs(), strict=True)]  # fmt: skip
    key = repr
    assert sorted(found, key=key) == sorted(((s, n, log) for (s, n), log in zip(times, logs, strict=True)), key=key) or sorted(
        (s, n, sorted(log.items())) for s, n, log in found
    ) == sorted((s, n, sorted(log.items())) for (s, n), log in zip(times, logs, strict=True))
    assert JsonLines(1 << 20).parse(Chunk(data, 0, 1)).bad == []


def test_what_is_written(filled: Home) -> None:
    lines = [json.loads(line, parse_float=str, parse_int=str) for line in exported(filled, receive_time=True).splitlines()]
    assert {line["__time__"] for line in lines} == {"1700000000.123456789", "-1.25", "0", "-0.5"}
    assert all("." in line["__tag__:__receive_time__"] for line in lines)
    rows = list(csv.DictReader(io.StringIO(exported(filled, format="csv").decode(), newline="")))
    assert len(rows) == 4
    assert pq.read_table(io.BytesIO(exported(filled, format="parquet", receive_time=True))).num_rows == 4
    assert exported(filled, times=Interval.of(0, 1)) == b'{"__time__": 0}\n'
    assert gzip.decompress(exported(filled, compression="gzip")) == exported(filled)
    assert zstandard.ZstdDecompressor().decompressobj().decompress(exported(filled, compression="zstd")) == exported(filled)


def test_an_empty_store(home: Home) -> None:
    make_store(home)
    assert exported(home) == b""
    assert exported(home, format="csv") == b"__time__\n"
    assert pq.read_table(io.BytesIO(exported(home, format="parquet"))).num_rows == 0


def test_names_tell_formats() -> None:
    assert formats_of_name("a.b.csv.gz") == ("csv", "gzip")
    assert formats_of_name("x.parquet") == ("parquet", "none")
    assert formats_of_name("x.log.zst") == ("text", "zstd")
    assert formats_of_name("x") == ("jsonl", "none")


def test_command_line(filled: Home, cli: Cli, tmp_path: Path) -> None:
    done = cli("export", "web", "--from", "0", "--to", "1")
    assert (done.stdout, done.code) == ('{"__time__": 0}\n', 0)
    assert "exported 1 logs" in done.stderr
    target = tmp_path / "x.csv.gz"
    assert cli("export", "web", "-o", str(target)).code == 0
    assert gzip.decompress(target.read_bytes()) == exported(filled, format="csv")
    assert list(tmp_path.glob(".x*")) == []
    assert cli("export", "web", "-o", str(tmp_path / "no" / "x")).code == 3
    assert cli("export", "webb").code == 2
    text = cli("export", "web", "--format", "text")
    assert text.stdout == ""
    assert "left out 4 logs" in text.stderr
