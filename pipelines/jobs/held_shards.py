"""The shards that an instance works on: taken and let go as the group says, each with how far it is read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from transforms.core.clock import Clock
from transforms.jobs.job import Job
from transforms.stores.consumer_group import Assignment, ConsumerGroups, ShardExtents
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import Logstore
from transforms.stores.slice import Slice, SliceLedger

__all__ = ["HeldShard", "HeldShards", "Seats"]

_log = logging.getLogger(__name__)


class Seats(Protocol):
    """A consumer's place in its group, such as `pipelines.consumer_membership.Membership`."""

    def told(self) -> dict[int, Assignment]:
        """The shards to work on now."""
        ...

    def held(self) -> frozenset[int]:
        """The shards that are reported as worked on."""
        ...

    def let_go(self, shard: int) -> None:
        """No work on a shard goes on."""
        ...

    def beat_soon(self) -> None:
        """Do not wait for the next heartbeat's turn."""
        ...


@dataclass
class HeldShard:
    """A shard that this instance owns as the ``epoch``-th of its owners.

    Attributes:
        position: up to where it is read.
        open: to be gone on with first.
        checked: that the targets know of no later slices than the ledger.
    """

    shard: int
    epoch: int
    position: Cursor
    open: Slice | None = None
    checked: bool = False


class HeldShards:
    """Follows a membership.

    Args:
        job: says where to begin in a shard that nobody has read.
        consumer: this instance's name in the job's group.
    """

    def __init__(
        self,
        job: Job,
        consumer: str,
        membership: Seats,
        groups: ConsumerGroups,
        slices: SliceLedger,
        source: Logstore,
        clock: Clock,
    ) -> None:
        self._job = job
        self._consumer = consumer
        self._membership = membership
        self._groups = groups
        self._slices = slices
        self._source = source
        self._clock = clock
        self._held: dict[int, HeldShard] = {}

    def now(self) -> list[HeldShard]:
        """Those that are this instance's at this moment, by id."""
        told = self._membership.told()
        return [held for shard, held in sorted(self._held.items()) if shard in told and told[shard].epoch == held.epoch]

    def let_go(self) -> None:
        """Work on nothing that the group does not give any more, and say so. Asks nobody; raises what `Membership.told` does."""
        told = self._membership.told()
        for shard in self._membership.held() - told.keys():
            self._held.pop(shard, None)
            self._membership.let_go(shard)
            _log.info("%s lets go of shard %d", self._consumer, shard)

    def take(self) -> None:
        """Begin with what the group gives: find out what is unfinished, and where to read on."""
        told = self._membership.told()
        new = {shard: one.epoch for shard, one in told.items() if (held := self._held.get(shard)) is None or held.epoch != one.epoch}
        if not new:
            return
        for shard, unfinished in self._slices.unfinished(self._consumer, new).items():
            position = self._position(told[shard])
            if position is not None:
                self._held[shard] = HeldShard(shard, new[shard], position, unfinished)
                _log.info("%s takes shard %d at %s", self._consumer, shard, position.text)

    def lose(self, shard: int) -> None:
        """It is another's; if the group gives it again, everything is looked up anew."""
        self._held.pop(shard, None)
        self._membership.beat_soon()

    def forget(self) -> None:
        """What is known of places may be outdated: everything is looked up anew."""
        self._held.clear()

    def limit(self, held: HeldShard, extents: ShardExtents) -> Cursor:
        """Up to where a shard may be read now: all that there was with the extents, and nothing that was received at the job's end or later."""
        end = extents.shards[held.shard].end if held.shard in extents.shards else held.position
        if self._job.end_us is None or extents.received < self._job.end_us:
            return end
        return min(end, self._source.cursor_of(held.shard, self._job.end_us))

    def _position(self, assignment: Assignment) -> Cursor | None:
        """Where to read on; None when it cannot be told yet."""
        shard = assignment.shard
        # Not the checkpoint that came with the heartbeat: this instance may have saved a later one since, before it let go.
        saved = next((one.cursor for one in self._groups.checkpoints(self._job.group, shard)), None)
        if saved is not None:
            return saved
        start = BEGIN
        if self._job.start_us is not None:
            if self._source.extents().received < self._job.start_us:
                if self._clock.now_us() < self._job.start_us:
                    return None  # logs that the job leaves out may still come
                self._source.settle(self._job.start_us)
            start = self._source.cursor_of(shard, self._job.start_us)
        # Logs that are gone before the job ever ran are none of its business; later they would be missed.
        start = self._source.first_cursor(shard, start)
        if start == BEGIN:
            return BEGIN
        # Written down even when nothing is to be read: a retired shard's heirs wait until it is over.
        taken = self._slices.start_at(self._consumer, {shard: (assignment.epoch, start)})
        return start if shard in taken else None
