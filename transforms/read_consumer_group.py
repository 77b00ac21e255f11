"""ReadConsumerGroup: the logs of a Logstore as they come, read by the consumers of a group: an unbounded source for streaming runners.

    logs = pipeline | ReadLogstore(descriptor, group="billing", database=ControlDatabase("env:LOGSLUICE_CATALOGUE"))

The source has some slots; each is a consumer of the group, and the group deals the shards out, among these and any other consumers. How far
a shard is read is kept by the runner, with the slot, and by the group, when the runner has made it durable: a pipeline that is restored by
its runner goes on exactly where it was, and one that is started anew where the group is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import apache_beam as beam
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from transforms.connectors import open_consumer_groups, open_logstore
from transforms.core.clock import SystemClock
from transforms.core.error_transport import portable_errors
from transforms.core.errors import AlreadyExists, LogsluiceError, NotFound, ParameterInvalid, StoreUnavailable
from transforms.core.log_group import LogGroup
from transforms.log_group_coder import register_log_group_coder
from transforms.slot_restriction import OVER, Slot, SlotName, Slots
from transforms.stores.consumer_group import Assignment, ConsumerGroups
from transforms.stores.control_database import ControlDatabase
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import Logstore, LogstoreDescriptor

__all__ = ["GroupRead", "ReadConsumerGroup"]

register_log_group_coder()

_log = logging.getLogger(__name__)
_LOST = ("ConsumerNotExist", "ConsumerNotMatch", "ShardNotExist", "CheckPointBackwards", "ConsumerGroupNotExist")
_IDLE_SECONDS = 0.5
_LONGEST_PAUSE = 60.0
_MOST_BEAT_SECONDS = 5.0
_CALL_SECONDS = 2.0
"""A call gives logs for so long at most: then the runner makes durable what there is."""
_TRACKER = beam.DoFn.RestrictionParam(Slots())
_ESTIMATOR = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())
_FINALIZER = beam.DoFn.BundleFinalizerParam


@dataclass(frozen=True)
class GroupRead:
    """What is read, and how.

    Attributes:
        descriptor, group: the Logstore; the name of the group, which exists.
        database: where workers find the group.
        start: where a group begins that was never consumed: at the first log, behind the newest, or before the first log received at a time
            (microseconds) or later.
        stop_at: a receive time, microseconds: what was received then or later is not read, and the source ends once the clock has passed it.
        fields, max_rows, max_bytes: of the LogGroups; see `transforms.stores.sharded_store.ShardedStore.pull`.
        idle_us: so far behind the clock is the watermark where there is nothing to read: how long a writer may take from the stamp of its
            logs to their commit.
    """

    descriptor: LogstoreDescriptor
    group: str
    database: ControlDatabase
    start: Literal["begin", "end"] | int = "begin"
    stop_at: int | None = None
    fields: tuple[str, ...] | None = None
    max_rows: int = 65_536
    max_bytes: int = 32 * 1024 * 1024
    idle_us: int = 10_000_000


class ReadConsumerGroup(beam.PTransform[Any, Any]):
    """Reads as a consumer group does. Elements are LogGroups with receive times; the time of an element is the receive time of its first log.

    The watermark is that of the shard which is furthest behind, of all consumers of the group.

    Args:
        read: what, and how.
        slots: consumers in this pipeline: those that more than there are shards have nothing to do.
        name: begins the consumers' names.

    Exactly once as long as a slot keeps its shards; when a slot is gone for longer than the group's time-out, others go on from the last
    position that the runner made durable. Raises ParameterInvalid for values that cannot be.
    """

    def __init__(self, read: GroupRead, slots: int = 1, name: str = "beam") -> None:
        super().__init__()
        if slots < 1:
            raise ParameterInvalid("a source has at least 1 slot")
        if not isinstance(read.start, int) and read.start not in ("begin", "end"):
            raise ParameterInvalid(f"{read.start!r} is no place to start at", hint="give 'begin', 'end' or a receive time in microseconds")
        self._read = read
        self._names = [SlotName(f"{name}-{number}") for number in range(slots)]

    def expand(self, begin: PBegin) -> PCollection[LogGroup]:
        slots = begin | "Slots" >> beam.Create(self._names, reshuffle=False) | "Spread" >> beam.Reshuffle()
        groups: PCollection[LogGroup] = slots | "Read" >> beam.ParDo(_ReadSlot(self._read)).with_output_types(LogGroup)
        return groups


@dataclass(frozen=True)
class _Place:
    """Up to where a shard is read, as which of its owners. ``leaving``: the group wants it back, and gets it when the place is saved."""

    epoch: int
    cursor: Cursor
    leaving: bool = False


_Memory = Mapping[int, _Place]


class _Here:
    """What is remembered here of a slot, until it comes with another turn. Who remembers nothing asks."""

    def __init__(self) -> None:
        self.turn = 0
        self.beaten = 0.0
        self.timeout_s = 0.0
        self.told: dict[int, Assignment] = {}
        self.checkpoints: dict[int, Cursor | None] = {}
        self.leaving: dict[int, float] = {}
        self.failures = 0


@beam.DoFn.unbounded_per_element()
class _ReadSlot(beam.DoFn):
    def __init__(self, read: GroupRead) -> None:
        self._read = read
        self._rows = Metrics.counter("logsluice", "log_rows_read")
        self._groups: ConsumerGroups | None = None
        self._store: Logstore | None = None
        self._slots: dict[str, _Here] = {}

    def teardown(self) -> None:
        if self._groups is not None:
            self._groups.close()
            self._groups = self._store = None

    # Beam gives the finalizer only to a parameter before the tracker.
    def process(
        self, element: SlotName, finalizer: Any = _FINALIZER, tracker: Any = _TRACKER, estimator: Any = _ESTIMATOR
    ) -> Iterable[TimestampedValue[LogGroup]]:
        del element
        slot: Slot = tracker.current_restriction()
        here = self._slots.get(slot.consumer)
        if here is None or here.turn != slot.turn:
            here = self._slots[slot.consumer] = _Here()
        here.turn = slot.turn + 1
        memory: dict[int, _Place] = dict(slot.memory or {})
        pause, over = _IDLE_SECONDS, False
        with portable_errors():
            try:
                memory = self._members(slot, here, memory)
                until, found = time.monotonic() + _CALL_SECONDS, True
                while found and time.monotonic() < until:
                    found = False
                    for shard in [shard for shard, place in memory.items() if not place.leaving]:
                        pulled = self._pull(shard, memory[shard].cursor)
                        if pulled is None:
                            continue
                        group, cursor = pulled
                        memory[shard] = replace(memory[shard], cursor=cursor)
                        if not tracker.try_claim(dict(memory)):
                            return
                        if group is not None:
                            found, pause = True, 0.0
                            self._rows.inc(group.num_rows)
                            yield TimestampedValue(group, Timestamp(micros=_first_received(group)))
                here.failures = 0
                over = self._advance(memory, estimator)
            except StoreUnavailable as silent:
                pause = min(_LONGEST_PAUSE, 2.0**here.failures)
                here.failures += 1
                _log.warning("%s cannot go on, again in %.0f s: %s", slot.consumer, pause, silent)
        saves = {shard: place for shard, place in memory.items() if place.cursor != (here.checkpoints.get(shard) or BEGIN)}
        if saves:
            finalizer.register(_Save(self._read, slot, saves))
        if over:
            if not saves:
                self._leave(slot)
                tracker.try_claim(OVER)
                return
            pause, here.beaten = 0.1, 0.0  # once more, when the places are saved
        if tracker.try_claim(dict(memory)):
            tracker.defer_remainder(Duration(micros=round(1e6 * pause)))

    def _members(self, slot: Slot, here: _Here, memory: dict[int, _Place]) -> dict[int, _Place]:
        """The shards to read now, each from where it was."""
        groups, store = self._opened()
        if not here.timeout_s:
            self._seed(groups, store)
            here.timeout_s = next((float(one.timeout_s) for one in groups.list() if one.name == self._read.group), 1.0)
        waits = any(place.leaving for place in memory.values())
        if here.beaten and time.monotonic() - here.beaten < min(_MOST_BEAT_SECONDS if here.told else 1.0, here.timeout_s / 4) and not waits:
            return {shard: place for shard, place in memory.items() if shard in here.told}
        sent = time.monotonic()
        state = {one.shard: one.cursor for one in groups.checkpoints(self._read.group)}
        kept = {shard: place for shard, place in memory.items() if not (place.leaving and self._may_go(here, shard, place, state))}
        try:
            answer = groups.heartbeat(self._read.group, slot.consumer, sorted(kept), incarnation=slot.incarnation)
        except LogsluiceError as refusal:
            if refusal.code != "NotExistConsumerWithBody":
                raise
            answer = groups.heartbeat(self._read.group, slot.consumer, [], incarnation=slot.incarnation)
            lost = sorted(kept)
            _log.warning("%s was silent for too long and has lost the shards %s", slot.consumer, lost)
            kept = {}
        here.leaving = {shard: since for shard, since in here.leaving.items() if shard in kept}
        here.told, here.beaten, here.checkpoints = {one.shard: one for one in answer}, sent, state
        places = {shard: replace(place, leaving=True) for shard, place in kept.items() if shard not in here.told}
        for shard, one in here.told.items():
            before = kept.get(shard)
            cursor = before.cursor if before is not None and before.epoch == one.epoch else one.checkpoint or BEGIN
            places[shard] = _Place(one.epoch, cursor)
        return places

    def _may_go(self, here: _Here, shard: int, place: _Place, saved: Mapping[int, Cursor | None]) -> bool:
        """Whether a shard that the group wants back can be had. A runner that never says what is durable is not waited for."""
        since = here.leaving.setdefault(shard, time.monotonic())
        return (saved.get(shard) or BEGIN) == place.cursor or time.monotonic() - since > here.timeout_s

    def _pull(self, shard: int, cursor: Cursor) -> tuple[LogGroup | None, Cursor] | None:
        """What is next in a shard, up to where; None when there is nothing now."""
        store, read = self._opened()[1], self._read
        until = None
        if read.stop_at is not None and store.extents().received >= read.stop_at:
            until = store.cursor_of(shard, read.stop_at)
            if until <= cursor:
                return None
        pulled = store.pull(shard, cursor, until=until, max_rows=read.max_rows, max_bytes=read.max_bytes, fields=read.fields)
        return None if pulled.cursor == cursor else (pulled.group, pulled.cursor)

    def _advance(self, memory: _Memory, estimator: Any) -> bool:
        """Bring the watermark on; whether all is read that this source is for.

        Of shards that others read, what the group has saved is known: where they are is not before it. A shard that is read to its end
        may get logs that were received after the newest there is; while nothing comes, the clock tells how late those can be.
        """
        groups, store = self._opened()
        extents, now, read = store.extents(), SystemClock().now_us(), self._read
        seats = groups.state(read.group).seats
        if read.stop_at is not None and extents.received < read.stop_at <= now:
            store.settle(read.stop_at)
            extents = store.extents()
        least, over = max(extents.received + 1, now - read.idle_us), read.stop_at is not None and extents.received >= read.stop_at
        for shard, extent in extents.shards.items():
            own, seat = memory.get(shard), seats.get(shard)
            cursor = own.cursor if own is not None else ((seat.checkpoint if seat is not None else None) or BEGIN)
            if over and read.stop_at is not None:
                over = cursor >= store.cursor_of(shard, read.stop_at)
            if cursor < extent.end:
                least = min(least, store.time_of(shard, cursor))
        before = estimator.current_watermark()
        mark = Timestamp(micros=max(0, least))
        if before is None or mark > before:
            estimator.set_watermark(mark)
        return over

    def _seed(self, groups: ConsumerGroups, store: Logstore) -> None:
        """Where a group begins is settled once for all its shards."""
        state, start = groups.state(self._read.group), self._read.start
        if start == "begin" or state.consumers or any(seat.checkpoint is not None for seat in state.seats.values()):
            return
        extents = store.extents().shards
        cursors = {shard: store.cursor_of(shard, start) if isinstance(start, int) else extent.end for shard, extent in extents.items()}
        try:
            groups.reset(self._read.group, cursors)
        except LogsluiceError as refusal:
            if refusal.code != "ConsumerGroupBusy":  # another consumer was first, and has settled it
                raise

    def _opened(self) -> tuple[ConsumerGroups, Logstore]:
        if self._groups is None or self._store is None:
            self._store, self._groups = open_logstore(self._read.descriptor), _groups_of(self._read)
        return self._groups, self._store

    def _leave(self, slot: Slot) -> None:
        self._slots.pop(slot.consumer, None)
        try:
            self._opened()[0].leave(self._read.group, slot.consumer, incarnation=slot.incarnation)
        except (NotFound, AlreadyExists, StoreUnavailable) as error:
            _log.info("%s has not left the group: %s", slot.consumer, error)


class _Save:
    """Stores places of a slot in the group, once the runner has made durable what was read up to there."""

    def __init__(self, read: GroupRead, slot: Slot, places: _Memory) -> None:
        self._read = read
        self._slot = slot
        self._places = dict(places)

    def __call__(self) -> None:
        read = self._read
        key = (read.database.place, read.descriptor.project, read.descriptor.name)
        with _saving:
            groups = _savers.get(key)
            if groups is None:
                groups = _savers[key] = _groups_of(read)
            for shard, place in self._places.items():
                try:
                    groups.save_checkpoint(read.group, shard, place.cursor, consumer=self._slot.consumer, epoch=place.epoch)
                except LogsluiceError as refusal:
                    if refusal.code not in _LOST and not isinstance(refusal, StoreUnavailable):
                        raise
                    # The next ones tell a later place; or the shard is another's, who has begun where the last one was saved.
                    _log.info("the place of %s in shard %d is not saved: %s", self._slot.consumer, shard, refusal)


_saving = threading.Lock()
_savers: dict[tuple[str, str, str], ConsumerGroups] = {}
"""Runners finalize in whatever thread; one at a time, with a connection that stays."""


def _groups_of(read: GroupRead) -> ConsumerGroups:
    own = open_logstore(read.descriptor)  # a reader of its own, whose places nobody moves
    return open_consumer_groups(read.database.where(), read.descriptor.project, read.descriptor.name, own.extents)


def _first_received(group: LogGroup) -> int:
    times = group.receive_times
    assert times is not None
    return int(times[0].as_py())
