"""How far a continuous job is: whether it has read all it was made for, or all that was there at some moment."""

from __future__ import annotations

from collections.abc import Mapping

from transforms.consumers.progress import has_read
from transforms.core.clock import Clock, SystemClock
from transforms.jobs.job import Job
from transforms.stores.consumer_group import ConsumerGroups
from transforms.stores.cursor import Cursor
from transforms.stores.logstore import Logstore

__all__ = ["JobProgress"]


class JobProgress:
    """A job's progress since it was begun to be watched."""

    def __init__(self, job: Job, groups: ConsumerGroups, source: Logstore, clock: Clock | None = None) -> None:
        self._job = job
        self._groups = groups
        self._source = source
        self._clock = clock or SystemClock()
        self._there = self._ends()

    def all_read(self) -> bool:
        """Whether the job has come to its end; never without one. Settles the end's time once that has come."""
        end_us = self._job.end_us
        if end_us is None or self._clock.now_us() < end_us:
            return False
        if self._source.extents().received < end_us:
            self._source.settle(end_us)
        return has_read(self._groups.state(self._job.group), self._ends())

    def caught_up(self) -> bool:
        """Whether all is read that was there when this was made."""
        return has_read(self._groups.state(self._job.group), self._there)

    def shards(self) -> int:
        """Shards with something to read now or later."""
        return sum(seat.state != "over" for seat in self._groups.state(self._job.group).seats.values())

    def _ends(self) -> Mapping[int, Cursor]:
        """Up to where the job reads each shard, as far as there are logs now."""
        if self._job.start_us is not None and self._clock.now_us() < self._job.start_us:
            return {}
        extents, end_us = self._source.extents(), self._job.end_us
        if end_us is None or extents.received < end_us:
            return {shard: extent.end for shard, extent in extents.shards.items()}
        return {shard: min(extent.end, self._source.cursor_of(shard, end_us)) for shard, extent in extents.shards.items()}
