"""Columns of text as JSON lines: what a JSON parser makes of them are the fields that the rows have."""

from __future__ import annotations

import json

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.formats.object_lines import object_lines, written

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ['"', "\\", "\n", "\x00", "\x1f", "null", ',"a":"b"', "}", "\u2028"]
)
NAMES = st.lists(TEXT, max_size=6, unique=True)


def fields_of(lines: pl.Series) -> list[list[tuple[str, str]]]:
    found = bytes(written(lines)).decode().split("\n")
    assert found[-1] == ""
    return [json.loads(line, object_pairs_hook=list) if line != "{}" else [] for line in found[:-1]]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_row_has_its_fields_in_order(data: st.DataObject) -> None:
    names = data.draw(NAMES)
    rows = data.draw(st.integers(0, 5))
    columns: dict[str, pl.Series | str] = {}
    expected: list[list[tuple[str, str]]] = [[] for _ in range(rows)]
    for name in names:
        kind = data.draw(st.sampled_from(["constant", "whole", "holes"]))
        texts = [data.draw(TEXT)] * rows if kind == "constant" else data.draw(st.lists(TEXT, min_size=rows, max_size=rows))
        values = [None if kind == "holes" and data.draw(st.booleans()) else text for text in texts]
        columns[name] = (
            data.draw(TEXT) if kind == "constant" and not rows else texts[0] if kind == "constant" else pl.Series("", values, pl.String)
        )
        for row, value in enumerate(values):
            if value is not None:
                expected[row].append((name, value))
    assert [[tuple(pair) for pair in log] for log in fields_of(object_lines(columns, rows).lines)] == expected


def test_a_text_that_needs_an_escape_late_in_a_column_is_escaped() -> None:
    texts = ["plain"] * 500 + ['"', "\\", "\n"]
    logs = fields_of(object_lines({"a": pl.Series("", texts), "b": "x"}, len(texts)).lines)
    assert [dict(log)["a"] for log in logs] == texts and {dict(log)["b"] for log in logs} == {"x"}


def test_lines_of_a_slice_are_its_own() -> None:
    lines = object_lines({"a": pl.Series("", [f"text number {n}" for n in range(100)])}, 100).lines
    assert bytes(written(lines.slice(98))) == b'{"a":"text number 98"}\n{"a":"text number 99"}\n'
    assert bytes(written(lines.head(0))) == b"" and bytes(object_lines({}, 2).data) == b"{}\n{}\n"
