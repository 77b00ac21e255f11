"""Slice: a range of one shard that is read, transformed and committed as one step of a continuous transformation.

A lane is the sequence of slices of one shard that one owner at a time works on. A slice goes through five numbered points: its range is
written down (1), its files are written (2), its intent is recorded (3), its targets have their commits (4), it is done and the checkpoint
stands at its end (5). One without an intent has made nothing visible and is computed again over the same range; one with an intent is
rolled forward and never computed again. So a log is seen by one rule alone, and a changed rule takes effect between two slices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from transforms.stores.cursor import Cursor

__all__ = ["Intended", "LaneState", "Slice", "SliceCounts", "SliceLedger", "Wanted"]


@dataclass(frozen=True)
class SliceCounts:
    """What became of the logs of a slice: ``read`` = ``delivered`` + ``dropped`` + ``dead``."""

    read: int = 0
    delivered: int = 0
    dropped: int = 0
    dead: int = 0

    def __add__(self, other: SliceCounts) -> SliceCounts:
        return SliceCounts(self.read + other.read, self.delivered + other.delivered, self.dropped + other.dropped, self.dead + other.dead)


@dataclass(frozen=True)
class Slice:
    """One slice of a lane.

    Attributes:
        number: counts the lane's slices from 1; the version of its commits.
        begin, end: what it reads of its shard; fixed.
        rule: digest of the rule that its intent was made, or shall be made, by.
        intent: as text (`transforms.stores.commit_intent`), recorded once; empty before.
        counts: recorded with the intent.
        done: every target has its commit.
    """

    number: int
    begin: Cursor
    end: Cursor
    rule: str
    intent: str = ""
    counts: SliceCounts = SliceCounts()
    done: bool = False


@dataclass
class LaneState:
    """A lane: the newest owner's epoch, the newest slice, and up to where finished slices have read the shard (None = not begun)."""

    epoch: int = 0
    slice: Slice | None = None
    position: Cursor | None = None


@dataclass(frozen=True)
class Wanted:
    """A slice that an owner would like to begin: which of the seat's owners it is (``epoch``), and the range."""

    epoch: int
    begin: Cursor
    end: Cursor


@dataclass(frozen=True)
class Intended:
    """What an owner has computed of its open slice: which of the seat's owners it is, the slice's number, the intent as text, the counts."""

    epoch: int
    number: int
    intent: str
    counts: SliceCounts


class SliceLedger(Protocol):
    """The lanes of one generation of a job, kept with its consumer group: what the owner of a seat may do, and nobody else.

    Each method is one transaction for all the shards it is given; a shard that is not the consumer's any more, as this one of its owners,
    is left out of the answer and nothing of it changes: stop working on it. Errors of all: NotFound with code ``ConsumerGroupNotExist``
    (the job was deleted or run again), StoreUnavailable, StoreRejected.
    """

    def unfinished(self, consumer: str, epochs: Mapping[int, int]) -> Mapping[int, Slice | None]:
        """Of each shard (→ epoch of its owner) the slice that is to be gone on with before there can be another, or None."""
        ...

    def begin(self, consumer: str, wanted: Mapping[int, Wanted], rule: str) -> Mapping[int, Slice]:
        """Write ranges down. A shard with an unfinished slice gives that one: its range, and unless it has an intent the rule given now.

        Raises CommitConflict with code ``JobNotRunning`` when the job shall not begin anything, ParameterInvalid for a range that is
        empty or does not begin where the last slice ended.
        """
        ...

    def intend(self, consumer: str, intended: Mapping[int, Intended]) -> Mapping[int, Slice]:
        """Record intents, unless the slices have one: what is there counts. Left out is also a slice that is not the open one."""
        ...

    def finish(self, consumer: str, numbers: Mapping[int, tuple[int, int]]) -> frozenset[int]:
        """Every target has its commit: shard → (epoch, number of the slice). Sets the checkpoints and adds the counts to the job's figures,
        in one step; gives the shards of which this holds. Once more changes nothing."""
        ...

    def start_at(self, consumer: str, positions: Mapping[int, tuple[int, Cursor]]) -> frozenset[int]:
        """Where to begin in shards without a checkpoint: shard → (epoch, place). Gives the shards whose checkpoint is that now."""
        ...
