"""Slice: a range of shards that is read, transformed and committed as one step of a continuous transformation.

A lane is a sequence of slices that one owner at a time works on. A slice goes through four numbered points: its ranges are written down
(1), its files are written (2), its intent is recorded (3), its targets have their commits (4), it is done (5). One without an intent has
made nothing visible and is computed again over the same ranges; one with an intent is rolled forward and never computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transforms.stores.cursor import Cursor

__all__ = ["LaneState", "Ranges", "Slice"]

Ranges = Mapping[int, tuple[Cursor, Cursor]]
"""Shard → (the place to read from, the place to read to)."""


@dataclass(frozen=True)
class Slice:
    """One slice of a lane.

    Attributes:
        number: counts the lane's slices from 1; the version of its commits.
        ranges: what it reads; fixed.
        rule: digest of the rule that its intent was made, or shall be made, by.
        intent: as text, recorded once; empty before.
        done: every target has its commit.
    """

    number: int
    ranges: Ranges
    rule: str
    intent: str = ""
    done: bool = False


@dataclass
class LaneState:
    """A lane: the newest owner's epoch, the newest slice, and up to where finished slices have read each shard."""

    epoch: int = 0
    slice: Slice | None = None
    positions: dict[int, Cursor] = field(default_factory=dict)
