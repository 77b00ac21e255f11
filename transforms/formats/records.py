"""What line formats are made of: a chunk of whole records, the logs read from it, and the records that are no logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ROW", "BadRecord", "Chunk", "Parsed"]

ROW = "~row"
"""Column of a parsed frame: which record of its chunk a log is, from 0."""


@dataclass(frozen=True)
class Chunk:
    """Whole records of one input, one after the other.

    Attributes:
        data: the bytes, line ends included.
        offset: bytes before it in the uncompressed input.
        line: number of its first line, from 1.
        too_long: the length in bytes of a line that exceeds the limit; ``data`` then is the line's beginning, and nothing else.
        line_ends: how many ``\\n`` it has, when that is known.
    """

    data: bytes | bytearray
    offset: int
    line: int
    too_long: int = 0
    line_ends: int | None = None


@dataclass(frozen=True)
class BadRecord:
    """A record that is no log, and why: ``reason`` is a stable word to count by, ``detail`` a sentence."""

    row: int
    reason: str
    detail: str


@dataclass
class Parsed:
    """The logs of one chunk.

    Attributes:
        frames: Polars data frames with `ROW` and one text column per field (named by ``column_of``; null = absent); each record
            is in at most one of them; rows rise within a frame.
        bad: records that are no logs.
        starts: where each record begins in the chunk (integers), with the chunk's end as a last entry.
    """

    frames: list[Any] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    starts: Sequence[int] = ()
