"""Inputs as batches of logs, by format. A reader gives **units** (raw pieces, in order, from any position), and parses each on its own.

So a caller can read in one thread and parse in others, and knows after each batch the position to go on from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from transforms.core.errors import ParameterInvalid
from transforms.core.suggest import suggestion
from transforms.formats.byte_source import CHUNK_BYTES
from transforms.formats.event_times import LogSettings
from transforms.formats.line_reader import LineReader
from transforms.formats.log_batches import LogBatch, Position, Source
from transforms.formats.names import FORMATS

__all__ = ["Reader", "reader_of"]


class Reader(Protocol):
    """A format."""

    def units(self, source: Source, name: str, start: Position, stop: Position | None = None) -> Iterator[Any]:
        """The input from a position on, in pieces, up to ``stop`` (a position that `LogBatch.end` gave) or its end.

        ``name`` is what messages call it. Raises UserError, StoreError.
        """
        ...

    def parse(self, unit: Any, name: str) -> LogBatch:
        """The logs of one piece. Touches nothing but the piece, so pieces may be parsed at the same time."""
        ...


def reader_of(format: str, settings: LogSettings, max_line_bytes: int, chunk_bytes: int = CHUNK_BYTES) -> Reader:
    """A reader by format name."""
    if format == "parquet":
        from transforms.formats.parquet_reader import ParquetReader

        return ParquetReader(settings)
    if format == "csv":
        from transforms.formats.csv_reader import CsvReader

        return CsvReader(settings, max_line_bytes, chunk_bytes)
    if format == "jsonl":
        from transforms.formats.json_lines import JsonLines

        return LineReader(format, JsonLines(max_line_bytes), settings, max_line_bytes, chunk_bytes)
    if format == "text":
        from transforms.formats.text_lines import TextLines

        return LineReader(format, TextLines(max_line_bytes), settings, max_line_bytes, chunk_bytes)
    if format == "dead-letters":
        from transforms.formats.dead_letter_reader import DeadLetterReader

        return DeadLetterReader(settings, max_line_bytes, chunk_bytes)
    raise ParameterInvalid(f"unknown format {format!r}", hint=suggestion(format, FORMATS, "format"))
