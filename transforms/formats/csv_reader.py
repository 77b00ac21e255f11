"""CSV inputs: the header is read anew wherever reading goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from transforms.formats.byte_source import CHUNK_BYTES, damaged, open_bytes, read_chunks, skip_bytes
from transforms.formats.csv_records import CsvRecords, header_of, whole_records
from transforms.formats.event_times import LogSettings
from transforms.formats.log_batches import LogBatch, Position, Source, batch_of_chunk
from transforms.formats.records import Chunk

__all__ = ["CsvReader"]


@dataclass(frozen=True)
class CsvUnit:
    """Whole records and the header they stand under."""

    chunk: Chunk
    names: tuple[str, ...]


@dataclass
class CsvReader:
    """CSV with a header line."""

    settings: LogSettings
    max_line_bytes: int
    chunk_bytes: int = CHUNK_BYTES
    _headers: dict[str, bytes] = field(default_factory=dict)

    def units(self, source: Source, name: str, start: Position, stop: Position | None = None) -> Iterator[CsvUnit]:
        stream = open_bytes(source, name)
        # A pipe that goes on has given its header already.
        header = self._headers[name] if getattr(stream, "consumed", 0) else _read_header(stream, name, self.max_line_bytes)
        self._headers[name] = header
        if not header.strip():
            return
        names = tuple(header_of(header, name))
        offset = start.get("offset", len(header))
        skip_bytes(stream, offset if hasattr(stream, "consumed") else offset - len(header), name)
        chunks = read_chunks(
            stream, name, max_line_bytes=self.max_line_bytes, offset=offset,
            line=start.get("line", 1 + header.count(b"\n")),
            stop=None if stop is None else stop["offset"], chunk_bytes=self.chunk_bytes,
        )  # fmt: skip
        for chunk in whole_records(chunks, self.max_line_bytes):
            yield CsvUnit(chunk, names)

    def parse(self, unit: CsvUnit, name: str) -> LogBatch:
        parsed = CsvRecords(list(unit.names), self.max_line_bytes).parse(unit.chunk)
        return batch_of_chunk(unit.chunk, parsed, self.settings, name, "csv", unit.names)


def _read_header(stream: Any, name: str, limit: int) -> bytes:
    """The first record with its line end, read byte by byte: what follows stays in the stream."""
    record = bytearray()
    quotes = 0
    try:
        for byte in iter(lambda: stream.read(1), b""):
            record += byte
            quotes += byte == b'"'
            if (byte == b"\n" and quotes % 2 == 0) or len(record) > limit:
                break
    except OSError as error:
        raise damaged(name, len(record), error) from error
    return bytes(record)
