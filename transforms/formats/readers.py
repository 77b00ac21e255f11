"""Inputs as batches of logs, by format. A reader gives **units** (raw pieces, in order, from any position), and parses each on its own.

So a caller can read in one thread and parse in others, and knows after each batch the position to go on from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from transforms.core.errors import ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.core.suggest import suggestion
from transforms.formats.byte_source import CHUNK_BYTES, Continued, count_line_ends, open_bytes, read_chunks, skip_bytes
from transforms.formats.dead_letters import DeadLetter
from transforms.formats.event_times import LogSettings
from transforms.formats.names import FORMATS
from transforms.formats.records import Chunk, Parsed

__all__ = ["LogBatch", "Position", "Reader", "Source", "reader_of"]

Source = Path | BinaryIO | Continued
"""A file, an open stream that can ``peek``, or a pipe that is read in several goes."""

Position = Mapping[str, int]
"""Where a reader stands in one input: ``offset`` (bytes, uncompressed) and ``line``, or ``row``. Empty = the beginning."""


@dataclass
class LogBatch:
    """The logs of one unit.

    Attributes:
        groups: the logs.
        dead: the records that are none, in input order.
        read: bytes of the input, uncompressed.
        end: the position after the unit.
        fields: when a time field is named and no record has it: the fields they do have; else None.
    """

    end: Position
    read: int
    groups: list[LogGroup] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    fields: frozenset[str] | None = None

    @property
    def logs(self) -> int:
        return sum(group.num_rows for group in self.groups)

    @property
    def reasons(self) -> Counter[str]:
        return Counter(letter.reason for letter in self.dead)


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


class _Parser(Protocol):
    def parse(self, chunk: Chunk) -> Parsed: ...


@dataclass
class LineReader:
    """JSON lines and text lines."""

    format: str
    parser: _Parser
    settings: LogSettings
    max_line_bytes: int
    chunk_bytes: int = CHUNK_BYTES

    def units(self, source: Source, name: str, start: Position, stop: Position | None = None) -> Iterator[Chunk]:
        stream = open_bytes(source, name)
        offset = start.get("offset", 0)
        skip_bytes(stream, offset, name)
        return read_chunks(
            stream,
            name,
            max_line_bytes=self.max_line_bytes,
            offset=offset,
            line=start.get("line", 1),
            stop=None if stop is None else stop["offset"],
            chunk_bytes=self.chunk_bytes,
        )

    def parse(self, unit: Chunk, name: str) -> LogBatch:
        parsed = self.parser.parse(unit)
        return batch_of_chunk(unit, parsed, self.settings, name, self.format)


def batch_of_chunk(chunk: Chunk, parsed: Parsed, settings: LogSettings, name: str, format: str, header: tuple[str, ...] = ()) -> LogBatch:
    """Give the logs of a chunk their times and turn bad records into dead letters."""
    size = chunk.too_long or len(chunk.data)
    ends = count_line_ends(chunk.data) if chunk.line_ends is None else chunk.line_ends
    line = chunk.line + (1 if chunk.too_long else ends)
    batch = LogBatch({"offset": chunk.offset + size, "line": line}, size, fields=settings.fields_without_time(parsed.frames))
    bad = list(parsed.bad)
    for frame in parsed.frames:
        group, late = settings.groups_of(frame)
        bad += late
        if group is not None:
            batch.groups.append(group)
    at, number = 0, chunk.line
    for record in sorted(bad, key=lambda found: found.row):
        begin, end = int(parsed.starts[record.row]), int(parsed.starts[record.row + 1])
        number += chunk.data.count(b"\n", at, begin)
        at = begin
        raw = bytes(chunk.data[begin:end])
        kept = raw.rstrip(b"\r\n") if not chunk.too_long else raw
        cut = chunk.too_long if chunk.too_long > len(raw) else 0
        place = (name, number, chunk.offset + begin)
        batch.dead.append(DeadLetter(*place, record.reason, record.detail, kept, format, header, cut, settings.said))
    return batch
