"""JSON lines, by column.

Log lines of one source are alike: the same names in the same order, only values differ. Such lines are cut into columns all at once by
their shape (`transforms.formats.json_shape`); lines of no known shape are parsed one by one, exactly. Both ways give the same: strings
their text with escapes resolved, literals their characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from transforms.formats.json_object import NotALog, parse_object, unescape
from transforms.formats.json_shape import Quotes, Shape, shape_of
from transforms.formats.line_index import Lines
from transforms.formats.records import ROW, BadRecord, Chunk, Parsed
from transforms.formats.sparse_rows import frames_of_rows

__all__ = ["JsonLines"]

_TRIES = 6
_KEPT = 32
_FEW = 32


class JsonLines:
    """A parser of chunks. It remembers the shapes it met, those that fit most first. Safe to use from several threads."""

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._hits: dict[Shape, int] = {}

    def parse(self, chunk: Chunk) -> Parsed:
        """The logs of a chunk. Blank lines are skipped."""
        lines = Lines.of(chunk, self._max_line_bytes)
        parsed = Parsed(bad=lines.bad, starts=lines.starts)
        taken: list[int] = []
        logs: list[dict[str, str]] = []
        for row in self._by_shapes(lines, parsed).tolist():
            text = lines.line(row)
            if not text.strip(" \t\r\n"):
                continue
            try:
                logs.append(parse_object(text))
                taken.append(row)
            except NotALog as error:
                parsed.bad.append(BadRecord(row, error.reason, str(error)))
        parsed.frames += frames_of_rows(taken, logs)
        return parsed

    def _by_shapes(self, lines: Lines, parsed: Parsed) -> Any:
        """Put the lines of known shapes, and of new ones that many lines have, into ``parsed``; the numbers of the others are the answer."""
        rest = np.arange(len(lines.starts) - 1)
        if not Quotes.fit(lines.data):
            return rest
        quotes = Quotes(lines.data, lines.starts)
        for shape in sorted(self._hits, key=lambda known: -self._hits.get(known, 0)):
            if not len(rest):
                return rest
            rest = self._apply(shape, quotes, rest, parsed)
        for _ in range(_TRIES):
            if len(rest) < _FEW:
                break
            made = next((found for found in map(shape_of, _samples(lines, rest)) if found is not None), None)
            if made is None:
                break
            before = len(rest)
            rest = self._apply(made, quotes, rest, parsed)
            if before - len(rest) < max(_FEW, before // 50):
                break
        if len(self._hits) > _KEPT:
            kept = sorted(self._hits.items(), key=lambda item: -item[1])[:_KEPT]
            self._hits = {shape: hits // 2 for shape, hits in kept}
        return rest

    def _apply(self, shape: Shape, quotes: Quotes, rest: Any, parsed: Parsed) -> Any:
        """Put the lines of a shape into ``parsed``; the others are the answer."""
        frame = shape.cut(quotes, rest)
        if quotes.has_escapes and len(frame):
            frame = _resolve_escapes(frame, shape)
        self._hits[shape] = self._hits.get(shape, 0) + len(frame)
        if not len(frame):
            return rest
        parsed.frames.append(frame)
        if len(frame) == len(rest):
            return rest[:0]
        left = np.ones(len(quotes.count), bool)
        left[frame[ROW].to_numpy()] = False
        return rest[left[rest]]


def _samples(lines: Lines, rest: Any) -> Iterator[str]:
    """A few lines to take a shape from: the first, the middle, the last."""
    return (lines.line(int(rest[i])) for i in sorted({0, len(rest) // 2, len(rest) - 1}))


def _resolve_escapes(frame: pl.DataFrame, shape: Shape) -> pl.DataFrame:
    """Resolve backslash escapes of strings; rows with a wrong escape are left out."""
    bad = pl.repeat(value=False, n=len(frame), eager=True)
    for name, literal in zip(shape.columns, shape.literals, strict=True):
        column = frame[name]
        if literal:
            continue
        escaped = column.str.contains("\\", literal=True)
        if not escaped.any():
            continue
        values = _plainly_resolved(column.filter(escaped))
        if values is None:
            values, failed = _resolved_one_by_one(column.filter(escaped))
            bad = bad.scatter(escaped.arg_true().filter(failed), True)
        frame = frame.with_columns((values if len(values) == len(frame) else column.scatter(escaped.arg_true(), values)).alias(name))
    return frame.filter(~bad) if bad.any() else frame


def _plainly_resolved(column: pl.Series) -> pl.Series | None:
    """Texts with their escapes resolved by the engine; None when there is one that it may take for something else, or refuses."""
    if column.str.contains("\\u", literal=True).any():
        return None  # halves of characters
    try:
        return ('"' + column + '"').str.json_decode(pl.String)
    except pl.exceptions.ComputeError:
        return None  # a wrong escape, or a raw control character


def _resolved_one_by_one(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Texts with their escapes resolved, and which of them have a wrong escape."""
    distinct = column.unique()
    resolved = pl.Series([unescape(text) for text in distinct.to_list()], dtype=pl.String)
    mapping = pl.DataFrame({"from": distinct, "to": resolved})
    values = column.alias("from").to_frame().join(mapping, on="from", how="left", maintain_order="left")["to"]
    return values, values.is_null()
