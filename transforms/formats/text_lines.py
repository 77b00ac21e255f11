"""Text lines: each line is a log with the one field ``content``, its time optionally found by a regular expression."""

from __future__ import annotations

import polars as pl

from transforms.formats.line_index import Lines
from transforms.formats.records import ROW, Chunk, Parsed

__all__ = ["CONTENT", "TextLines"]

CONTENT = "content"


class TextLines:
    """A parser of chunks; the line end (``\\n`` or ``\\r\\n``) is not part of the field. Empty lines are skipped."""

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes

    def parse(self, chunk: Chunk) -> Parsed:
        """The logs of a chunk."""
        lines = Lines.of(chunk, self._max_line_bytes)
        parsed = Parsed(bad=lines.bad, starts=lines.starts)
        text = lines.text
        frame = pl.DataFrame({ROW: pl.int_range(len(text), eager=True, dtype=pl.Int64), CONTENT: text})
        frame = frame.with_columns(pl.col(CONTENT).str.strip_suffix("\n").str.strip_suffix("\r"))
        if chunk.offset == 0 and chunk.data.startswith(b"\xef\xbb\xbf") and len(frame):
            first = pl.col(ROW) == 0
            frame = frame.with_columns(pl.when(first).then(pl.col(CONTENT).str.slice(3)).otherwise(CONTENT).alias(CONTENT))
        frame = frame.filter((pl.col(CONTENT) != "") & ~pl.col(ROW).is_in([bad.row for bad in lines.bad]))
        if len(frame):
            parsed.frames.append(frame)
        return parsed
