"""Batches of logs: what a reader makes of one unit of its input, and where it stands then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from transforms.core.log_group import LogGroup
from transforms.formats.byte_source import Continued, count_line_ends
from transforms.formats.dead_letters import DeadLetter
from transforms.formats.event_times import LogSettings
from transforms.formats.records import Chunk, Parsed

__all__ = ["LogBatch", "Position", "Source", "batch_of_chunk"]

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
