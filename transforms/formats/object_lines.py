"""Columns of text as JSON lines: one object a line with the fields that a row has, put together by the engine and not by Python.

Most texts need no escapes. So lines are joined as if none did, and the quotes, backslashes and control characters of the result are counted:
where there are more than the names and the punctuation account for, the columns that brought them are escaped and joined again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

__all__ = ["ObjectLines", "object_lines", "written"]

_PIECE = 256 * 1024
_SAMPLE = 64
_QUOTE, _BACKSLASH, _BLANK, _LINE_END = 0x22, 0x5C, 0x20, 0x0A
_ESCAPES = {chr(code): json.dumps(chr(code))[1:-1] for code in (*range(_BLANK), _QUOTE, _BACKSLASH)}
_NEEDS_ESCAPE = r'["\\\x00-\x1f]'
_Fields = Sequence[tuple[str, pl.Series | str]]


class ObjectLines:
    """Lines as a text column, and the same as bytes (a buffer to write), which are made when they are first asked for."""

    def __init__(self, lines: pl.Series) -> None:
        self.lines = lines

    @cached_property
    def data(self) -> Any:
        return written(self.lines)


def object_lines(columns: Mapping[str, pl.Series | str], rows: int) -> ObjectLines:
    """A compact JSON object for each row, with its line end; null = the row does not have the field. All values are text.

    A ``str`` stands for the same text in every row.
    """
    if not rows:
        return ObjectLines(pl.Series("line", [], pl.String))
    fields = list(columns.items())
    probed = _needing_escapes(fields, _SAMPLE)
    if not probed:
        joined, expected = _joined(fields, rows)
        found = ObjectLines(joined)
        if _counted(found.data) == expected:
            return found
    return ObjectLines(_joined(_escaped(fields, probed | _needing_escapes(fields, rows, probed)), rows)[0])


def written(lines: pl.Series) -> Any:
    """Lines as bytes, without a copy where that can be: a buffer to write."""
    if not len(lines):
        return b""
    array = lines.to_arrow(compat_level=pl.CompatLevel.oldest())  # one buffer of text with 64-bit offsets
    _, offsets, text = array.buffers()
    if text is None:
        return b""
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return memoryview(text)[int(ends[0]) : int(ends[-1])]


def _joined(fields: _Fields, rows: int) -> tuple[pl.Series, tuple[int, int, int]]:
    """The lines, with texts as they are; and how many quotes, backslashes and control characters there are besides those of the texts."""
    whole = [isinstance(value, str) or not value.null_count() for _, value in fields]
    first = whole.index(True) if True in whole else None
    frame = pl.DataFrame({str(place): value.alias(str(place)) for place, (_, value) in enumerate(fields) if not isinstance(value, str)})
    pieces: list[pl.Expr] = []
    fixed, quotes, backslashes = "{", 0, 0
    for place, (name, value) in enumerate(fields):
        # Commas stand behind the fields before the first that every row has, and before those that follow it.
        before, after = ("", ",") if first is not None and place < first else ("", "") if place == first else (",", "")
        begin = f"{before}{json.dumps(name, ensure_ascii=False)}:"
        if isinstance(value, str):
            fixed += begin + json.dumps(value, ensure_ascii=False) + after
            continue
        column = pl.col(str(place))
        if whole[place]:
            pieces += [pl.lit(fixed + begin + '"'), column]
            quotes, backslashes = quotes + rows * (fixed + begin).count('"') + rows, backslashes + rows * (fixed + begin).count("\\")
            fixed = '"' + after
        else:
            there = rows - value.null_count()
            if fixed:
                pieces.append(pl.lit(fixed))
                quotes, backslashes = quotes + rows * fixed.count('"'), backslashes + rows * fixed.count("\\")
            pieces.append(pl.concat_str([pl.lit(begin + '"'), column, pl.lit('"' + after)]))
            quotes, backslashes = quotes + there * (begin.count('"') + 2), backslashes + there * begin.count("\\")
            fixed = ""
    if first is None and fields:  # every field is absent somewhere: the first comma, wherever it is, is one too many
        members = pl.concat_str(pieces[1:], ignore_nulls=True).str.strip_prefix(",")
        pieces, fixed = [pl.lit("{"), members], ""
    fixed += "}\n"
    quotes, backslashes = quotes + rows * fixed.count('"'), backslashes + rows * fixed.count("\\")
    if not frame.width:
        return pl.Series("line", ["".join(_texts(pieces)) + fixed]).new_from_index(0, rows), (quotes, backslashes, rows)
    lines = frame.select(pl.concat_str([*pieces, pl.lit(fixed)], ignore_nulls=True).alias("line")).to_series()
    return lines, (quotes, backslashes, rows)


def _texts(pieces: Sequence[pl.Expr]) -> list[str]:
    return [str(pl.select(piece).item()) for piece in pieces]


def _counted(data: Any) -> tuple[int, int, int]:
    """How many quotes, backslashes and control characters; piece by piece, which stay in the processor's cache."""
    view = np.frombuffer(data, np.uint8)
    quotes = backslashes = controls = 0
    for begin in range(0, len(view), _PIECE):
        piece = view[begin : begin + _PIECE]
        quotes += int(np.count_nonzero(piece == _QUOTE))
        backslashes += int(np.count_nonzero(piece == _BACKSLASH))
        controls += int(np.count_nonzero(piece < _BLANK))
    return quotes, backslashes, controls


def _needing_escapes(fields: _Fields, first: int, known: Collection[int] = ()) -> set[int]:
    """Which of the columns have a text among their ``first`` that needs an escape; those ``known`` are not looked at."""
    looked = {str(place): value.head(first) for place, (_, value) in enumerate(fields) if not isinstance(value, str) and place not in known}
    if not looked:
        return set()
    frame = pl.DataFrame([value.alias(place) for place, value in looked.items()])
    found = frame.select(pl.all().str.contains(_NEEDS_ESCAPE).any()).row(0)
    return {int(place) for place, needs in zip(looked, found, strict=True) if needs}


def _escaped(fields: _Fields, places: Collection[int]) -> _Fields:
    return [
        (name, value.str.replace_many(_ESCAPES) if place in places and not isinstance(value, str) else value)
        for place, (name, value) in enumerate(fields)
    ]
