"""The source of a continuous job's pipeline: slots, each a consumer of the job's group, that order slices of the shards they are given.

A slot is called, looks, orders what there is to do, and is called again a moment later: nothing in it waits. A slice is ordered once by
each owner of its shard; the next one when the ledger says that it is done. So the positions are the ledger's: a pipeline that is started
anew, or set back by its runner to an earlier state, finds there what is left to be done.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.utils.timestamp import Duration

from pipelines.jobs.held_shards import HeldShards
from pipelines.jobs.job_access import JobAccess, OpenJob
from pipelines.jobs.job_progress import JobProgress
from pipelines.jobs.slice_order import SliceKey, SliceOrder
from transforms.core.clock import SystemClock
from transforms.core.error_transport import portable_errors
from transforms.core.errors import AlreadyExists, CommitConflict, LogsluiceError, NotFound, ParameterInvalid, StoreUnavailable
from transforms.jobs.job import JobState, lane_app
from transforms.slot_restriction import OVER, Slot, SlotName, Slots
from transforms.stores.consumer_group import Assignment
from transforms.stores.cursor import Cursor
from transforms.stores.slice import Slice, Wanted

__all__ = ["OrderSlices", "Ordered"]

_log = logging.getLogger(__name__)
_BUSY_SECONDS = 0.2
_IDLE_SECONDS = 0.5
_LOOK_SECONDS = 1.0
"""Between two looks at the job's state."""
_LONGEST_PAUSE = 60.0
_MOST_REFUSALS = 5
_GONE = ("JobNotExist", "ProjectNotExist", "ConsumerGroupNotExist")
_AGAIN = ("CommitConflict", "ConsumerNotExist", "NotExistConsumerWithBody", "SliceTakenOver")


@dataclass(frozen=True)
class Ordered:
    """A slice that a slot has ordered, as which of the shard's owners; up to where it reads."""

    epoch: int
    number: int
    emission: str
    end: Cursor


_TRACKER = beam.DoFn.RestrictionParam(Slots())

Memory = Mapping[int, Ordered]
"""Shard → what is under way there."""


class _Seats:
    """The slot's place in its group, as the last heartbeat left it. It beats when it is told to: a slot that is called no more falls silent."""

    def __init__(self) -> None:
        self.beaten = 0.0
        self._told: dict[int, Assignment] = {}
        self._held: set[int] = set()
        self._under_way: frozenset[int] = frozenset()

    def told(self) -> dict[int, Assignment]:
        return dict(self._told)

    def held(self) -> frozenset[int]:
        """Those that may be let go: where a slice is under way, the shard is reported until that is done."""
        return frozenset(self._held) - self._under_way

    def let_go(self, shard: int) -> None:
        self._held.discard(shard)
        self.beaten = 0.0

    def beat_soon(self) -> None:
        self.beaten = 0.0

    def settled(self, under_way: Iterable[int]) -> None:
        """Where slices are still under way; a shard that was waited for, and is not told any more, can be let go now."""
        left = self._under_way - frozenset(under_way)
        self._under_way = frozenset(under_way)
        self._held |= left

    def beat(self, job: OpenJob, slot: Slot, under_way: Iterable[int], every: float) -> bool:
        """A heartbeat, when one is due. False: the slot was silent for too long, and what is known of its shards is outdated."""
        now, group = time.monotonic(), job.plan.job.group
        self._under_way = frozenset(under_way)
        if self.beaten and now - self.beaten < (every if self._told else min(1.0, every)):
            return True
        known = True
        try:
            answer = job.groups.heartbeat(group, slot.consumer, sorted(self._held | self._under_way), incarnation=slot.incarnation)
        except LogsluiceError as refusal:
            if refusal.code != "NotExistConsumerWithBody":
                raise
            known = False
            answer = job.groups.heartbeat(group, slot.consumer, [], incarnation=slot.incarnation)
        self._told, self.beaten = {one.shard: one for one in answer}, now
        self._held = set(self._told) | (self._held if known else set())
        return known


class _Here:
    """What is remembered here of a slot, until it comes with another turn. Who remembers nothing asks."""

    def __init__(self, job: OpenJob, slot: Slot) -> None:
        self.turn = slot.turn
        self.seats = _Seats()
        self.held = HeldShards(job.plan.job, slot.consumer, self.seats, job.groups, job.slices, job.source, SystemClock())
        self.commits = job.commits(slot.consumer)
        self.progress = JobProgress(job.plan.job, job.groups, job.source)
        self.looked = 0.0
        self.stopping = False
        self.checked: set[tuple[int, int]] = set()


@beam.DoFn.unbounded_per_element()
class _OrderSlices(beam.DoFn):
    """Slot → SliceOrders.

    Args:
        rows: that a slice may have.
        beat_seconds: between heartbeats.
        once: a call orders what there is to do and ends the slot: for runners that let nothing pass while a source goes on.
    """

    def __init__(self, access: JobAccess, rows: int, beat_seconds: float, once: bool) -> None:
        self._access = access
        self._rows = rows
        self._beat_seconds = beat_seconds
        self._once = once
        self._open: OpenJob | None = None
        self._slots: dict[str, _Here] = {}
        self._failures: dict[str, int] = {}

    def teardown(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def process(self, element: SlotName, tracker: Any = _TRACKER) -> Iterable[SliceOrder]:
        del element
        slot: Slot = tracker.current_restriction()
        memory: dict[int, Ordered] = dict(slot.memory or {})
        with portable_errors():
            orders, over, pause = self._called(slot, memory)
        for order in orders:
            memory[order.shard] = Ordered(order.epoch, order.key.number, order.key.emission, order.slice.end)
            if not tracker.try_claim(dict(memory)):
                return
            yield order
        if over or self._once:
            self._leave(slot, keep=not over)
            tracker.try_claim(OVER)
        elif orders or tracker.try_claim(dict(memory)):
            tracker.defer_remainder(Duration(micros=round(1e6 * pause)))

    def _called(self, slot: Slot, memory: dict[int, Ordered]) -> tuple[list[SliceOrder], bool, float]:
        """What to order now; whether the slot has nothing more to do, ever; seconds until it is to be called again."""
        try:
            orders, over = self._round(slot, memory)
        except LogsluiceError as error:
            if error.code in _GONE:
                return [], True, 0.0
            failures = self._failures.get(slot.consumer, 0)
            # A place that is refused was read by this very consumer meanwhile: in a call that its runner has given up.
            outdated = isinstance(error, ParameterInvalid) and failures < _MOST_REFUSALS
            if not isinstance(error, StoreUnavailable) and error.code not in _AGAIN and not outdated:
                raise
            self._slots.pop(slot.consumer, None)  # what is known may be outdated; everything is asked anew
            self._failures[slot.consumer] = failures + 1
            pause = min(_LONGEST_PAUSE, 0.5 * 2.0**failures)
            _log.warning("%s cannot go on, again in %.1f s: %s", slot.consumer, pause, error)
            return [], False, pause
        self._failures.pop(slot.consumer, None)
        return orders, over, _BUSY_SECONDS if memory or orders else _IDLE_SECONDS

    def _round(self, slot: Slot, memory: dict[int, Ordered]) -> tuple[list[SliceOrder], bool]:
        """``memory`` loses what is done."""
        job = self._open = self._open or self._access.open()
        here = self._slots.get(slot.consumer)
        if here is None or here.turn != slot.turn:
            here = self._slots[slot.consumer] = _Here(job, slot)
        here.turn = slot.turn + 1
        self._look(job, here)
        if not here.seats.beat(job, slot, memory, self._beat_seconds):
            here.held.forget()
        self._settle_done(job, slot, here, memory)
        here.held.let_go()
        here.held.take()
        if here.stopping:
            return [], not memory
        wanted = self._wanted(job, here, memory)
        if not wanted:
            return [], not memory and here.progress.all_read()
        try:
            begun = job.slices.begin(slot.consumer, wanted, job.plan.definition.digest)
        except CommitConflict as conflict:
            if conflict.code != "JobNotRunning":
                raise
            here.stopping = True
            return [], not memory
        for shard in wanted.keys() - begun.keys():
            here.held.lose(shard)
        self._check(here, wanted, begun)
        return [self._order(job, slot, shard, wanted[shard].epoch, found) for shard, found in begun.items()], False

    def _order(self, job: OpenJob, slot: Slot, shard: int, epoch: int, found: Slice) -> SliceOrder:
        key = SliceKey(lane_app(job.plan.job.id, job.plan.job.generation, shard), found.number, uuid.uuid4().hex)
        return SliceOrder(key, shard, epoch, slot.consumer, found)

    def _look(self, job: OpenJob, here: _Here) -> None:
        """Whether the job goes on, as this pipeline runs it."""
        now = time.monotonic()
        if here.looked and now - here.looked < _LOOK_SECONDS:
            return
        own, found = job.plan.job, job.ledger.job(job.plan.job.project, job.plan.job.name)
        if (found.id, found.generation) != (own.id, own.generation):
            raise NotFound("the job was run again, or is another one now", code="JobNotExist")
        here.stopping = found.state not in (JobState.STARTING, JobState.RUNNING)
        here.looked = now

    def _settle_done(self, job: OpenJob, slot: Slot, here: _Here, memory: dict[int, Ordered]) -> None:
        """Which of the slices under way are done."""
        if not memory:
            return
        found = job.slices.unfinished(slot.consumer, {shard: ordered.epoch for shard, ordered in memory.items()})
        for shard, ordered in list(memory.items()):
            unfinished = found.get(shard)
            if unfinished is not None and unfinished.number == ordered.number:
                continue
            del memory[shard]  # done, or another's
            held = next((one for one in here.held.now() if one.shard == shard and one.epoch == ordered.epoch), None)
            if held is not None and shard in found and unfinished is None:
                held.position, held.open = ordered.end, None
                extent = job.source.extents().shards.get(shard)
                if extent is not None and extent.read_to_end(ordered.end):
                    here.seats.beat_soon()  # those that it was split or merged into wait for that
            else:
                here.held.lose(shard)  # looked up anew
        here.seats.settled(memory)

    def _wanted(self, job: OpenJob, here: _Here, memory: Mapping[int, Ordered]) -> dict[int, Wanted]:
        extents, wanted = job.source.extents(), {}
        for one in here.held.now():
            if one.shard in memory:
                continue
            if one.open is not None:
                wanted[one.shard] = Wanted(one.epoch, one.open.begin, one.open.end)
            elif one.position < (limit := here.held.limit(one, extents)):
                end = min(limit, job.source.reach(one.shard, one.position, self._rows))
                wanted[one.shard] = Wanted(one.epoch, one.position, end)
        return wanted

    def _check(self, here: _Here, wanted: Mapping[int, Wanted], begun: Mapping[int, Slice]) -> None:
        """Once for each owner of a shard: the targets know of no later slices than the ledger."""
        new = {shard: one for shard, one in begun.items() if (shard, wanted[shard].epoch) not in here.checked}
        if new:
            here.commits.check_lanes({shard: wanted[shard].epoch for shard in new}, new)
            here.checked.update((shard, wanted[shard].epoch) for shard in new)

    def _leave(self, slot: Slot, *, keep: bool) -> None:
        """The slot's shards are free at once; not while what it ordered is still to be done."""
        self._slots.pop(slot.consumer, None)
        if keep or self._open is None:
            return
        try:
            self._open.groups.leave(self._access.plan.job.group, slot.consumer, incarnation=slot.incarnation)
        except (NotFound, AlreadyExists, StoreUnavailable) as error:
            _log.info("%s has not left the group: %s", slot.consumer, error)


class OrderSlices(beam.PTransform[Any, Any]):
    """Slots of a job; gives SliceOrders. Arguments as `_OrderSlices`."""

    def __init__(
        self, access: JobAccess, slots: Sequence[SlotName], *, rows: int = 65_536, beat_seconds: float = 5.0, once: bool = False
    ) -> None:
        super().__init__()
        self._slots = tuple(slots)
        self._order = _OrderSlices(access, rows, beat_seconds, once)

    def expand(self, begin: Any) -> Any:
        numbers = begin | "Slots" >> beam.Create(self._slots, reshuffle=False)
        spread = numbers | "Spread slots" >> beam.Reshuffle()
        return spread | "Order" >> beam.ParDo(self._order).with_output_types(SliceOrder)
