"""Lanes of slices in the database: each step is one transaction under the row lock of the generation's consumer group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import writing
from transforms.connectors.sql_catalogue_upsert import Upsert
from transforms.connectors.sql_consumer_group_rows import Where, load_group, store_group
from transforms.connectors.sql_job_figures import MINUTE_US, add_figures, fold_figures
from transforms.connectors.sql_job_tables import job, job_lane
from transforms.consumers.group_machine import GroupMachine
from transforms.consumers.slice_lane import SliceLane
from transforms.core.durable import durable
from transforms.core.errors import CommitConflict, LogsluiceError, ParameterInvalid
from transforms.jobs.job import Job, JobState
from transforms.stores.consumer_group import ShardExtents
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.slice import Intended, LaneState, Slice, SliceCounts, Wanted

__all__ = ["SqlSliceLedger"]

_NOT_YOURS = ("ShardNotExist", "ConsumerNotExist", "ConsumerNotMatch", "SliceTakenOver")
_BEGINS_IN = (JobState.STARTING, JobState.RUNNING)


class SqlSliceLedger:
    """A `SliceLedger` of one generation of a job; ``extents`` tells the source's shards as they are now."""

    def __init__(self, engine: sa.Engine, job: Job, extents: Callable[[], ShardExtents], now_us: Callable[[sa.Connection], int]) -> None:
        self._engine = engine
        self._job = job
        self._where: Where = (*job.source, job.group)
        self._extents = extents
        self._now_us = now_us
        self._folded_us = 0

    def unfinished(self, consumer: str, epochs: Mapping[int, int]) -> Mapping[int, Slice | None]:
        with self._step("unfinished", epochs) as step:
            found: dict[int, Slice | None] = {}
            for shard, epoch in sorted(epochs.items()):
                if (lane := step.lane(consumer, shard, epoch)) is not None:
                    found[shard] = lane.unfinished
            return found

    def begin(self, consumer: str, wanted: Mapping[int, Wanted], rule: str) -> Mapping[int, Slice]:
        with self._step("begin", wanted) as step:
            step.check_running()
            begun = {}
            for shard, want in sorted(wanted.items()):
                lane = step.lane(consumer, shard, want.epoch)
                if lane is None:
                    continue
                if lane.unfinished is None and want.begin != (step.machine.state.seats[shard].checkpoint or BEGIN):
                    raise ParameterInvalid(f"the slice does not begin at the checkpoint of shard {shard}", hint="read on from there")
                begun[shard] = lane.begin(want.begin, want.end, rule)
            return begun

    def intend(self, consumer: str, intended: Mapping[int, Intended]) -> Mapping[int, Slice]:
        with self._step("intend", intended) as step:
            found = {}
            for shard, each in sorted(intended.items()):
                lane = step.lane(consumer, shard, each.epoch)
                if lane is not None and lane.unfinished is not None and lane.unfinished.number == each.number:
                    found[shard] = lane.intend(each.number, each.intent, each.counts)
            return found

    def finish(self, consumer: str, numbers: Mapping[int, tuple[int, int]]) -> frozenset[int]:
        with self._step("finish", numbers) as step:
            done: dict[int, SliceCounts] = {}
            again = set()
            for shard, (epoch, number) in sorted(numbers.items()):
                lane = step.lane(consumer, shard, epoch)
                newest = step.newest(shard)
                if lane is None or newest is None or newest.number != number:
                    continue
                if newest.done:
                    again.add(shard)
                    continue
                ended = lane.finish(number)
                step.machine.save(shard, ended.end, consumer=consumer, epoch=epoch)
                done[shard] = ended.counts
            step.counts = done
            return frozenset(done) | again

    def start_at(self, consumer: str, positions: Mapping[int, tuple[int, Cursor]]) -> frozenset[int]:
        with self._step("start_at", positions) as step:
            here = set()
            for shard, (epoch, cursor) in sorted(positions.items()):
                if step.lane(consumer, shard, epoch) is None:
                    continue
                checkpoint = step.machine.state.seats[shard].checkpoint
                if checkpoint is None:
                    step.machine.save(shard, cursor, consumer=consumer, epoch=epoch)
                if checkpoint in (None, cursor):
                    here.add(shard)
            return frozenset(here)

    @contextmanager
    def _step(self, verb: str, shards: Iterable[int]) -> Iterator[_Step]:
        extents = self._extents()  # before the lock: others need not wait for the Logstore
        with durable(f"job.{verb}"), writing(self._engine) as connection:
            before = load_group(connection, self._where)
            if extents.version < before.shards_version:
                extents = self._extents()  # someone with newer shards had the lock first
            now_us = self._now_us(connection)
            step = _Step(connection, self._job, GroupMachine(before.copy(), extents, now_us), now_us, list(shards))
            yield step
            # Table after table as `rerun` and `delete` go through them: nobody waits in a circle.
            store_group(connection, self._where, before, step.machine.state)
            step.store()
            if step.counts:
                self._count(step)

    def _count(self, step: _Step) -> None:
        minute_us = step.now_us // MINUTE_US * MINUTE_US
        add_figures(step.connection, self._job.id, self._job.generation, minute_us, step.counts)
        if minute_us != self._folded_us:
            fold_figures(step.connection, self._job.id, self._job.generation, step.now_us)
            self._folded_us = minute_us


class _Step:
    """What one transaction knows and changes of some lanes."""

    def __init__(self, connection: sa.Connection, of_job: Job, machine: GroupMachine, now_us: int, shards: list[int]) -> None:
        self.connection = connection
        self.machine = machine
        self.now_us = now_us
        self.counts: Mapping[int, SliceCounts] = {}
        """Of the slices that this transaction finishes."""
        self._key = {"job_id": of_job.id, "generation": of_job.generation}
        self._started_us = of_job.started_us
        self._lanes: dict[int, LaneState] = {shard: LaneState() for shard in shards}
        self._lanes.update((row.shard, _state(row)) for row in connection.execute(_LANES, {**self._key, "shards": shards}))
        self._before = {shard: replace(lane) for shard, lane in self._lanes.items()}

    def check_running(self) -> None:
        """Raises CommitConflict with code ``JobNotRunning``."""
        row = self.connection.execute(_JOB, {"job_id": self._key["job_id"]}).one()
        if row.generation != self._key["generation"] or row.state not in _BEGINS_IN or row.started_us != self._started_us:
            # Started anew since: an instance of the earlier start may go by another rule.
            raise CommitConflict(f"the job is {row.state}: nothing is begun", hint="stop working on it", code="JobNotRunning")

    def lane(self, consumer: str, shard: int, epoch: int) -> SliceLane | None:
        """The lane in its owner's hands; None to anyone else."""
        try:
            self.machine.check_owner(shard, consumer, epoch)
            return SliceLane(self._lanes[shard], epoch)
        except LogsluiceError as refusal:
            if refusal.code not in _NOT_YOURS:
                raise
            return None

    def newest(self, shard: int) -> Slice | None:
        """Open or done."""
        return self._lanes[shard].slice

    def store(self) -> None:
        """Write the lanes that changed."""
        changed = [shard for shard, lane in self._lanes.items() if lane != self._before[shard]]
        _put(self.connection, [{**self._key, "shard": shard, **_values(self._lanes[shard])} for shard in changed])


def _state(row: Any) -> LaneState:
    newest = None
    if row.number:
        counts = SliceCounts(row.logs_read, row.delivered, row.dropped, row.dead)
        begin, end = Cursor.of_text(row.begin_cursor), Cursor.of_text(row.end_cursor)
        newest = Slice(row.number, begin, end, row.rule, row.intent, counts, bool(row.done))
    return LaneState(row.epoch, newest, None if row.position is None else Cursor.of_text(row.position))


def _values(lane: LaneState) -> dict[str, Any]:
    newest = lane.slice or Slice(0, BEGIN, BEGIN, "")
    return {
        "epoch": lane.epoch,
        "number": newest.number,
        "begin_cursor": newest.begin.text,
        "end_cursor": newest.end.text,
        "rule": newest.rule,
        "intent": "" if newest.done else newest.intent,  # nobody asks for it any more
        "logs_read": newest.counts.read,
        "delivered": newest.counts.delivered,
        "dropped": newest.counts.dropped,
        "dead": newest.counts.dead,
        "done": newest.done,
        "position": None if lane.position is None else lane.position.text,
    }


# Made once: an instance asks several times a second.
_JOB = sa.select(job.c.state, job.c.generation, job.c.started_us).where(job.c.id == sa.bindparam("job_id"))
_LANES = sa.select(job_lane).where(
    job_lane.c.job_id == sa.bindparam("job_id"),
    job_lane.c.generation == sa.bindparam("generation"),
    job_lane.c.shard.in_(sa.bindparam("shards", expanding=True)),
)
_put = Upsert(job_lane, lambda _, given: given)
