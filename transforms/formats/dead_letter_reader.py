"""Dead letters as an input: the record that each one holds is read again, by the format it was written in and as its import said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from transforms.core.errors import ParameterInvalid
from transforms.formats.byte_source import CHUNK_BYTES
from transforms.formats.csv_records import CsvRecords
from transforms.formats.dead_letters import DeadLetter, raw_of
from transforms.formats.event_times import LogSettings
from transforms.formats.json_lines import JsonLines
from transforms.formats.json_object import NotALog, parse_object
from transforms.formats.line_index import Lines
from transforms.formats.line_reader import LineReader
from transforms.formats.log_batches import LogBatch, Position, Source, batch_of_chunk
from transforms.formats.log_options import LogOptions
from transforms.formats.records import BadRecord, Chunk, Parsed
from transforms.formats.text_lines import TextLines

__all__ = ["DeadLetterReader"]

_NO_TIME = "no-time"


@dataclass
class DeadLetterReader:
    """Dead-letter files, mended or with other options than the first time. What fails again becomes a dead letter as it was.

    What the first import was told about times, topic, source and tags holds again, except where ``settings`` say otherwise. A log
    that was refused for its time never gets the present one instead.
    """

    settings: LogSettings
    max_line_bytes: int
    chunk_bytes: int = CHUNK_BYTES
    _meanings: dict[tuple[str, bool], LogSettings] = field(default_factory=dict)

    def units(self, source: Source, name: str, start: Position, stop: Position | None = None) -> Iterator[Chunk]:
        lines = LineReader("dead-letters", JsonLines(self.max_line_bytes), self.settings, 4 * self.max_line_bytes, self.chunk_bytes)
        return lines.units(source, name, start, stop)

    def parse(self, unit: Chunk, name: str) -> LogBatch:
        lines = Lines.of(unit, 4 * self.max_line_bytes)
        outer = Parsed(bad=lines.bad, starts=lines.starts)
        parsers: dict[str, Callable[[Chunk], Parsed]] = {
            "jsonl": JsonLines(self.max_line_bytes).parse,
            "text": TextLines(self.max_line_bytes).parse,
        }
        together: dict[tuple[str, str, bool], list[DeadLetter]] = {}
        inner: list[LogBatch] = []
        still: list[DeadLetter] = []
        for row, text in enumerate(lines.text.to_list()):
            if not text.strip():
                continue
            try:
                letter, required = _letter_of(text, name, unit.line + row, unit.offset + int(lines.starts[row]))
                if letter.size:
                    still.append(letter)
                    continue
                meaning = json.dumps(letter.said, sort_keys=True)
                settings = self._settings(meaning, required=required)
            except NotALog as error:
                outer.bad.append(BadRecord(row, error.reason, str(error)))
                continue
            if letter.format == "csv":
                inner.append(_again(CsvRecords(list(letter.header), self.max_line_bytes).parse, [letter], settings))
            else:
                together.setdefault((letter.format, meaning, required), []).append(letter)
        for (format, meaning, required), letters in together.items():
            inner.append(_again(parsers[format], letters, self._settings(meaning, required=required)))
        batch = batch_of_chunk(unit, outer, self.settings, name, "dead-letters")
        batch.dead += still
        for found in inner:
            batch.groups += found.groups
            batch.dead += found.dead
            batch.fields = None if batch.fields is None or found.fields is None else batch.fields | found.fields
        batch.dead.sort(key=lambda letter: letter.line)
        return batch

    def _settings(self, meaning: str, *, required: bool) -> LogSettings:
        known = self._meanings.get((meaning, required))
        if known is None:
            options = LogOptions(**self.settings.said).over(LogOptions(**json.loads(meaning)))
            try:
                known = options.settings(self.settings.started_us, time_required=required)
            except ParameterInvalid as error:
                raise NotALog("not-a-dead-letter", f"import: {error}") from error
            self._meanings[(meaning, required)] = known
        return known


def _again(parse: Callable[[Chunk], Parsed], letters: list[DeadLetter], settings: LogSettings) -> LogBatch:
    """Read the records of letters that are alike; what is dead again stands where its letter stood."""
    raws = [letter.raw for letter in letters]
    # Offset 1: a byte order mark is one only at the beginning of an input.
    chunk = Chunk(b"".join(raw.replace(b"\n", b" ") + b"\n" if len(raws) > 1 else raw + b"\n" for raw in raws), 1, 1)
    batch = batch_of_chunk(chunk, parse(chunk), settings, letters[0].file, letters[0].format)
    batch.dead = [
        replace(letters[min(dead.line - 1, len(letters) - 1)], reason=dead.reason, detail=dead.detail, said=dead.said)
        for dead in batch.dead
    ]
    return batch


def _letter_of(text: str, file: str, line: int, offset: int) -> tuple[DeadLetter, bool]:
    """The letter of a line, and whether it was refused for its time. One that holds a letter stands for that one.

    Raises NotALog.
    """
    fields = parse_object(text)
    said = LogOptions.of_letter(fields.get("import", "{}"))
    while fields.get("format") == "dead-letters":
        try:
            fields = parse_object(raw_of(fields).decode())
        except UnicodeDecodeError as error:
            raise NotALog("not-utf8", str(error)) from error
        said = said.over(LogOptions.of_letter(fields.get("import", "{}")))
    format = fields.get("format", "jsonl")
    if format not in ("jsonl", "text", "csv"):
        raise NotALog("not-a-dead-letter", f"unknown format {format!r}")
    letter = DeadLetter(file, line, offset, "", "", raw_of(fields), format, _header(fields), said=said.given())
    if "truncated" in fields:
        if not fields["truncated"].isdecimal():
            raise NotALog("not-a-dead-letter", f"truncated is a number of bytes, not {fields['truncated']!r}")
        detail = "this dead letter holds only the beginning of its record"
        letter = replace(letter, reason="too-long", detail=detail, size=max(1, int(fields["truncated"])))
    return letter, fields.get("reason") == _NO_TIME


def _header(fields: Mapping[str, str]) -> tuple[str, ...]:
    try:
        names: Any = json.loads(fields.get("header", "[]"))
    except ValueError as error:
        raise NotALog("not-a-dead-letter", f"header: {error}") from error
    if not names and fields.get("format") == "csv":
        raise NotALog("not-a-dead-letter", "a CSV record needs its header")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise NotALog("not-a-dead-letter", "header is a list of different names")
    return tuple(names)
