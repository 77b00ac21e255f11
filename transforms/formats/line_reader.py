"""Reads whole lines: JSON lines and text lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from transforms.formats.byte_source import CHUNK_BYTES, open_bytes, read_chunks, skip_bytes
from transforms.formats.event_times import LogSettings
from transforms.formats.log_batches import LogBatch, Position, Source, batch_of_chunk
from transforms.formats.records import Chunk, Parsed

__all__ = ["LineReader"]


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
