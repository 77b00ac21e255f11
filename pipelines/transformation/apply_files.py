"""A rule over JSON lines, to JSON lines: no home, no Beam. For pipes, editors and tests.

Nothing is added to the logs: ``__time__`` is a field like any other, written only if the input has it or the rule sets it. Every value of
the output is text, as fields are. Logs come out in the order of their lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import polars as pl

from pipelines.transformation.apply_outputs import Outputs
from transforms.core.field_columns import field_of
from transforms.formats.byte_source import open_bytes, read_chunks
from transforms.formats.dead_letters import DeadLetter
from transforms.formats.json_lines import JsonLines
from transforms.formats.object_lines import ObjectLines, object_lines, written
from transforms.formats.records import ROW, Chunk
from transforms.rules.context import Context
from transforms.rules.event import DEFAULT_TARGET
from transforms.rules.frame import Emission, Frame, State
from transforms.rules.rule import Note, Rule

_CHUNK_BYTES = 4 * 1024 * 1024
"""What is made of so much stays in the processor's cache from one step to the next: larger pieces take a third longer."""
_Key = TypeVar("_Key")
__all__ = ["Applied", "ChunkResult", "apply_to_chunk", "apply_to_inputs"]


@dataclass
class Applied:
    """What was done: ``read`` lines that are logs = ``delivered`` + ``dropped`` + ``dead``; ``bad`` lines are no logs."""

    read: int = 0
    delivered: int = 0
    dropped: int = 0
    dead: int = 0
    bad: int = 0
    written: dict[str, int] = field(default_factory=dict)
    warnings: dict[Note, int] = field(default_factory=dict)
    failures: dict[Note, int] = field(default_factory=dict)


@dataclass
class ChunkResult:
    """One chunk's lines: target key → bytes; dead letters as JSON lines."""

    targets: dict[str, Any]
    dead: bytes
    counts: Applied


def apply_to_inputs(
    rule: Rule,
    inputs: Sequence[tuple[str, Path | BinaryIO]],
    outputs: Outputs,
    context: Context,
    *,
    max_line_bytes: int,
    chunk_bytes: int = _CHUNK_BYTES,
    watch: Callable[[int], None] = lambda _logs: None,
) -> Applied:
    """Run a rule over named inputs (plain, gzip, zstd). Raises NotFound, StoreRejected, ParameterInvalid."""
    total = Applied()
    for name, source in inputs:
        parser = JsonLines(max_line_bytes)
        stream = open_bytes(source, name)
        try:
            for chunk in _chunks(stream, name, max_line_bytes, chunk_bytes):
                result = apply_to_chunk(rule, parser, chunk, name, context)
                outputs.write(result.targets, result.dead)
                _add(total, result.counts)
                watch(result.counts.read)
        finally:
            stream.close()
    return total


def _chunks(stream: Any, name: str, max_line_bytes: int, chunk_bytes: int) -> Iterator[Chunk]:
    return read_chunks(stream, name, max_line_bytes=max_line_bytes, offset=0, line=1, stop=None, chunk_bytes=chunk_bytes)


def apply_to_chunk(rule: Rule, parser: JsonLines, chunk: Chunk, name: str, context: Context) -> ChunkResult:
    """Run a rule over a chunk of lines."""
    parsed = parser.parse(chunk)
    counts = Applied(bad=len(parsed.bad))
    lines: dict[str, list[tuple[pl.Series, ObjectLines]]] = {}
    dead: list[tuple[int, bytes]] = [(bad.row, _bad_line(bad, parsed.starts, chunk, name)) for bad in parsed.bad]
    for table in parsed.frames:
        rows = table[ROW].cast(pl.UInt32)
        state = State(context)
        frame = Frame.of({field_of(column): table[column] for column in table.columns if column != ROW}, len(rows), state)
        frame = rule.run(frame)
        reached = np.zeros(len(rows), bool)
        for emission in [*state.emitted, Emission(DEFAULT_TARGET, frame)]:
            part = emission.frame.without_failed(0)
            if part.rows:
                key = emission.target.key
                reached[part.origin.to_numpy()] = True
                lines.setdefault(key, []).append((rows[part.origin], _lines_of(part)))
                counts.written[key] = counts.written.get(key, 0) + part.rows
        counts.read += len(rows)
        delivered = int(np.count_nonzero(reached))
        counts.delivered += delivered
        counts.dead += len(state.failures)
        counts.dropped += len(rows) - delivered - len(state.failures)
        for (start, end, message), times in state.warnings.counts.items():
            note = rule.note(start, end, message)
            counts.warnings[note] = counts.warnings.get(note, 0) + times
        if state.failures:
            dead += _dead_lines(rule, state, table, rows, chunk, name, counts)
        # Snapshots and their state hold on to each other: let go of them now, not when the garbage collector comes.
        state.emitted.clear()
    ordered = b"".join(line for _, line in sorted(dead, key=lambda item: item[0]))
    return ChunkResult({key: _in_order(parts) for key, parts in lines.items()}, ordered, counts)


def _lines_of(frame: Frame) -> ObjectLines:
    columns: dict[str, pl.Series | str] = {}
    for name in frame.names():
        constant = frame.constant(name)
        series = frame.column(name) if constant is None else None
        if constant is not None:
            columns[name] = constant
        elif series is not None and series.null_count() < len(series):
            columns[name] = series
    return object_lines(columns, frame.rows)


def _in_order(parts: list[tuple[pl.Series, ObjectLines]]) -> Any:
    """Lines in the order of the input's; those of one log in the order in which they were made."""
    if len(parts) == 1:
        rows, lines = parts[0]
        if rows.is_sorted():
            return lines.data
    table = pl.DataFrame({"row": pl.concat([rows for rows, _ in parts]), "line": pl.concat([lines.lines for _, lines in parts])})
    return written(table.with_row_index("at").sort("row", "at")["line"])


def _bad_line(bad: Any, starts: Sequence[int], chunk: Chunk, name: str) -> bytes:
    begin, end = int(starts[bad.row]), int(starts[bad.row + 1])
    raw = bytes(chunk.data[begin:end]).rstrip(b"\r\n")
    return DeadLetter(
        name, chunk.line + bad.row, chunk.offset + begin, bad.reason, bad.detail, raw, "jsonl", size=chunk.too_long
    ).to_json_line()


def _dead_lines(
    rule: Rule, state: State, table: pl.DataFrame, rows: pl.Series, chunk: Chunk, name: str, counts: Applied
) -> list[tuple[int, bytes]]:
    """Failed events with their line, reason and place in the rule."""
    found: list[tuple[int, bytes]] = []
    for origin, failure in sorted(state.failures.items()):
        row = int(rows[origin])
        note = rule.note(failure.start, failure.end, failure.reason)
        counts.failures[note] = counts.failures.get(note, 0) + 1
        log: Mapping[str, str] = {
            field_of(column): text for column, text in table.row(origin, named=True).items() if column != ROW and text is not None
        }
        letter = {
            "file": name,
            "line": chunk.line + row,
            "rule": rule.source,
            "step": note.step,
            "position": note.position,
            "reason": failure.reason,
            "log": log,
        }
        found.append((row, json.dumps(letter, ensure_ascii=False).encode("utf-8", "replace") + b"\n"))
    return found


def _add(total: Applied, part: Applied) -> None:
    for name in ("read", "delivered", "dropped", "dead", "bad"):
        setattr(total, name, getattr(total, name) + getattr(part, name))
    _count(total.written, part.written)
    _count(total.warnings, part.warnings)
    _count(total.failures, part.failures)


def _count(total: dict[_Key, int], part: Mapping[_Key, int]) -> None:
    for key, times in part.items():
        total[key] = total.get(key, 0) + times
