"""Dead letters as an input: the record that each one holds is read again, by the format it was written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from transforms.formats.byte_source import CHUNK_BYTES
from transforms.formats.csv_records import CsvRecords
from transforms.formats.dead_letters import DeadLetter, raw_of
from transforms.formats.event_times import LogSettings
from transforms.formats.json_lines import JsonLines
from transforms.formats.json_object import NotALog, parse_object
from transforms.formats.line_index import Lines
from transforms.formats.readers import LineReader, LogBatch, Position, Source, batch_of_chunk
from transforms.formats.records import BadRecord, Chunk, Parsed
from transforms.formats.text_lines import TextLines

__all__ = ["DeadLetterReader"]


@dataclass
class DeadLetterReader:
    """Dead-letter files, mended or with other options than the first time. What fails again becomes a dead letter as it was."""

    settings: LogSettings
    max_line_bytes: int
    chunk_bytes: int = CHUNK_BYTES

    def units(self, source: Source, name: str, start: Position, stop: Position | None = None) -> Iterator[Chunk]:
        lines = LineReader("dead-letters", JsonLines(self.max_line_bytes), self.settings, 4 * self.max_line_bytes, self.chunk_bytes)
        return lines.units(source, name, start, stop)

    def parse(self, unit: Chunk, name: str) -> LogBatch:
        lines = Lines.of(unit, 4 * self.max_line_bytes)
        outer = Parsed(bad=lines.bad, starts=lines.starts)
        together: dict[str, list[bytes]] = {"jsonl": [], "text": []}
        letters: dict[str, list[DeadLetter]] = {"jsonl": [], "text": []}
        batches: list[LogBatch] = []
        for row, text in enumerate(lines.text.to_list()):
            if not text.strip():
                continue
            try:
                fields = parse_object(text)
                raw = raw_of(fields)
                format, header = fields.get("format", "jsonl"), tuple(_header(fields))
            except NotALog as error:
                outer.bad.append(BadRecord(row, error.reason, str(error)))
                continue
            letter = DeadLetter(name, unit.line + row, unit.offset + int(lines.starts[row]), "", "", raw, format, header)
            if format == "csv":
                batches.append(self._again(CsvRecords(list(header), self.max_line_bytes).parse, [raw], [letter], name))
            elif format in together:
                together[format].append(raw)
                letters[format].append(letter)
            else:
                outer.bad.append(BadRecord(row, "not-a-dead-letter", f"unknown format {format!r}"))
        for format, raws in together.items():
            parser = JsonLines(self.max_line_bytes) if format == "jsonl" else TextLines(self.max_line_bytes)
            if raws:
                batches.append(self._again(parser.parse, raws, letters[format], name))
        batch = batch_of_chunk(unit, outer, self.settings, name, "jsonl")
        for inner in batches:
            batch.groups += inner.groups
            batch.dead += inner.dead
        return batch

    def _again(self, parse: object, raws: list[bytes], letters: list[DeadLetter], name: str) -> LogBatch:
        # Offset 1: a byte order mark is one only at the beginning of an input.
        chunk = Chunk(b"".join(raw.replace(b"\n", b" ") + b"\n" if len(raws) > 1 else raw + b"\n" for raw in raws), 1, 1)
        batch = batch_of_chunk(chunk, parse(chunk), self.settings, name, letters[0].format)  # type: ignore[operator]
        again = []
        for dead in batch.dead:
            letter = letters[min(dead.line - 1, len(letters) - 1)]
            again.append(replace(letter, reason=dead.reason, detail=dead.detail))
        batch.dead = again
        return batch


def _header(fields: dict[str, str]) -> list[str]:
    import json

    return [str(name) for name in json.loads(fields.get("header", "[]"))]
