"""What a running instance of a continuous job does: as a consumer of the job's group it transforms the shards it is given, slice by slice.

A round takes one slice of each shard that has something: their ranges are written down, all are computed together, their intents are
recorded, the targets get their commits, the slices are done. Whatever fails in between, and wherever the process dies, the slices tell
what is to be done next (`transforms.stores.slice`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipelines.consumer_membership import Membership
from pipelines.jobs.computed_slice import ComputedSlice
from pipelines.jobs.held_shards import HeldShard, HeldShards
from pipelines.jobs.round_size import RoundSize
from pipelines.jobs.slice_commit import SliceCommits
from transforms.core.durable import durable
from transforms.core.errors import CommitConflict, LogsluiceError, NotFound, StoreUnavailable
from transforms.stores.cursor import Cursor
from transforms.stores.logstore import Logstore
from transforms.stores.slice import Slice, SliceLedger, Wanted

__all__ = ["InstanceLoop", "Rounds", "Work", "ends_quietly"]

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 60.0
_ROUND_EVERY = 0.5
"""Seconds from the beginning of a round to the next when there is little to do: fewer, larger commits, on which all later looks depend."""
_LOOK_EVERY = (0.1, 0.5)
"""Seconds between two looks for new logs: at first, and after a while without any."""
_TELL_EVERY = 1.0
_QUIET = ("ConsumerGroupNotExist", "JobNotRunning", "JobNotExist", "ProjectNotExist")
"""The job was stopped, run again or deleted."""
_AGAIN = ("CommitConflict", "SliceTakenOver", "SliceNotIntended", "ShardNotExist")
"""Others were quicker; what they did is looked at, and then it goes on."""


class Rounds(Protocol):
    """The transformation itself."""

    def run(self, ranges: Mapping[int, tuple[Cursor, Cursor]]) -> Mapping[int, ComputedSlice]:
        """Shard → (begin, end): read, transform, write all files. Nothing becomes visible."""
        ...


@dataclass
class Work:
    """What an instance has done, since it began: rounds, logs read, seconds in rounds; and the lag of each of its shards, microseconds.

    One thread writes, others read; ``lags_us`` is replaced, never changed.
    """

    rounds: int = 0
    logs: int = 0
    busy_s: float = 0.0
    lags_us: Mapping[int, int] = field(default_factory=dict)
    round_began: float | None = None

    def busy_now(self, monotonic: float) -> float:
        """Seconds in rounds, with the one that is running."""
        began = self.round_began
        return self.busy_s + (0.0 if began is None else max(0.0, monotonic - began))


def ends_quietly(error: LogsluiceError) -> bool:
    """Whether an error means that the job does not need this instance any more."""
    return error.code in _QUIET


def _heals(error: LogsluiceError) -> bool:
    return isinstance(error, StoreUnavailable) or (isinstance(error, CommitConflict | NotFound) and error.code in _AGAIN)


class InstanceLoop:
    """The loop of one instance.

    Args:
        consumer: its name in the job's group.
        rule: digest of the rule it works by.
        held: its shards.
        stopping: whether it shall end when the running round has.
        done: what was done is written there.
        round_seconds: what a round shall take when there is a backlog.
    """

    def __init__(
        self,
        consumer: str,
        rule: str,
        held: HeldShards,
        membership: Membership,
        slices: SliceLedger,
        source: Logstore,
        rounds: Rounds,
        commits: SliceCommits,
        stopping: Callable[[], bool],
        done: Work,
        round_seconds: float = 2.0,
    ) -> None:
        self._consumer = consumer
        self._rule = rule
        self._held = held
        self._membership = membership
        self._slices = slices
        self._source = source
        self._rounds = rounds
        self._commits = commits
        self._stopping = stopping
        self._done = done
        self._size = RoundSize(round_seconds)
        self._full = False
        self._failures = 0
        self._not_before = 0.0
        self._shards: frozenset[int] = frozenset()
        self._told_at = 0.0

    def run(self) -> None:
        """Until told to stop. Raises what cannot heal; what may (a store that does not answer) is tried again, with growing pauses."""
        pause = _LOOK_EVERY[0]
        while not self._stopping():
            self._membership.changed.clear()
            self._held.let_go()
            began = time.monotonic()
            busy = began >= self._not_before and self._tried()
            if busy:
                pause = _LOOK_EVERY[0]
                wait = 0.0 if self._full else began + _ROUND_EVERY - time.monotonic()
            else:
                pause = min(1.1 * pause, _LOOK_EVERY[1])
                wait = pause
            if wait > 0 and not self._stopping():
                self._membership.changed.wait(wait)

    def _tried(self) -> bool:
        """Whether there was something to do and it was done."""
        try:
            self._held.take()
            busy = self._round()
        except LogsluiceError as error:
            if not _heals(error):
                raise
            self._not_before = time.monotonic() + min(_LONGEST_PAUSE, 2.0**self._failures)
            self._failures += 1
            # Whether the last call was answered or not, the slices tell what was done.
            self._held.forget()
            _log.warning("%s could not go on, again in %.0f s: %s", self._consumer, self._not_before - time.monotonic(), error)
            return False
        self._failures = 0
        return busy

    def _round(self) -> bool:
        held = self._held.now()
        wanted = self._wanted(held)
        self._tell(held, wanted)
        if not wanted:
            return False
        began = self._done.round_began = time.monotonic()
        try:
            self._transform({one.shard: one for one in held if one.shard in wanted}, wanted)
        finally:
            self._done.round_began = None
            self._done.rounds += 1
            self._done.busy_s += time.monotonic() - began
        return True

    def _transform(self, held: Mapping[int, HeldShard], wanted: Mapping[int, Wanted]) -> None:
        with durable("slice.begin"):
            slices = self._slices.begin(self._consumer, wanted, self._rule)
        self._lose(wanted.keys() - slices.keys())
        self._check({shard: one for shard, one in slices.items() if not held[shard].checked}, held)
        epochs = {shard: held[shard].epoch for shard in slices}
        fresh = {shard: one for shard, one in slices.items() if not one.intent}
        finished = self._commits.roll_forward(epochs, {shard: one for shard, one in slices.items() if one.intent})
        if fresh:
            began = time.monotonic()
            computed = self._rounds.run({shard: (one.begin, one.end) for shard, one in fresh.items()})
            self._size.took(time.monotonic() - began, full=self._full)
            finished |= self._commits.commit(epochs, fresh, computed)
            self._done.logs += sum(one.report.read for one in computed.values())
        self._lose(slices.keys() - finished)
        for shard in finished:
            held[shard].position, held[shard].open = slices[shard].end, None
        extents = self._source.extents().shards
        if any(shard in extents and extents[shard].read_to_end(held[shard].position) for shard in finished):
            self._membership.beat_soon()  # those that it was split or merged into wait for that

    def _check(self, taken: Mapping[int, Slice], held: Mapping[int, HeldShard]) -> None:
        """Of shards that were just taken."""
        if taken:
            self._commits.check_lanes({shard: held[shard].epoch for shard in taken}, taken)
        for shard in taken:
            held[shard].checked = True

    def _wanted(self, held: list[HeldShard]) -> dict[int, Wanted]:
        """What the next round shall do: unfinished slices as they are, and the next logs of the other shards."""
        self._full = False  # whether some shard has more than that
        if not held:
            return {}
        extents = self._source.extents()
        if (shards := frozenset(extents.shards)) != self._shards:
            self._shards = shards
            self._membership.beat_soon()  # new ones are dealt out by heartbeats
        limits = {one.shard: self._held.limit(one, extents) for one in held if one.open is None}
        behind = [one for one in held if one.open is None and one.position < limits[one.shard]]
        rows = max(1, self._size.rows // max(1, len(behind)))
        wanted = {one.shard: Wanted(one.epoch, one.open.begin, one.open.end) for one in held if one.open is not None}
        for one in behind:
            end = min(limits[one.shard], self._source.reach(one.shard, one.position, rows))
            self._full |= end < limits[one.shard]
            wanted[one.shard] = Wanted(one.epoch, one.position, end)
        return wanted

    def _lose(self, shards: frozenset[int] | set[int]) -> None:
        for shard in shards:
            self._held.lose(shard)

    def _tell(self, held: list[HeldShard], wanted: Mapping[int, Wanted]) -> None:
        now = time.monotonic()
        if now >= self._told_at:
            self._told_at = now + _TELL_EVERY
            self._done.lags_us = {one.shard: self._source.lag_us(one.shard, one.position) if one.shard in wanted else 0 for one in held}
