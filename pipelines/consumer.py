"""A consumer for users' own code: bounded groups of logs, shard by shard, as one of a consumer group.

    from pipelines.consumer import Consumer

    Consumer(".logsluice", "web", "billing", "worker-1").run(lambda group, place: print(place.shard, group.num_rows))

Any number of processes do this under different names; the group deals the shards out. Each log is processed at least once: the checkpoint
is saved after ``process`` has returned, so what a killed consumer had in hand is processed again by the next one.

Exactly once is up to whoever keeps the results. Put ``place.end.text`` of the shard down in the same transaction as them, on the condition
that ``place.begin.text`` (or nothing yet) is there, and give ``position_of``, which tells what is there: a consumer then goes on from the
results' own place. The condition is what refuses a consumer that was paused for so long that another has its shard.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

from pipelines.consumer_membership import Membership
from pipelines.home import DEFAULT_PROJECT, Home
from transforms.core.errors import LogsluiceError, ParameterInvalid, StoreUnavailable
from transforms.stores.consumer_group import Assignment, ConsumerGroups, check_consumer_name
from transforms.stores.cursor import BEGIN, Cursor

if TYPE_CHECKING:
    from transforms.core.log_group import LogGroup
    from transforms.stores.logstore import Logstore

__all__ = ["Consumer", "Place", "Process", "ProcessFailed"]

_log = logging.getLogger(__name__)
_LOST = ("ConsumerNotExist", "ConsumerNotMatch", "ShardNotExist", "CheckPointBackwards")
"""Refusals of a checkpoint that mean: the shard is somebody else's now, or was set elsewhere by force."""
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Place:
    """Which logs a group is: those of a shard from ``begin`` up to ``end``. ``epoch`` counts the shard's owners."""

    shard: int
    epoch: int
    begin: Cursor
    end: Cursor


Process = Callable[["LogGroup", Place], object]


class ProcessFailed(LogsluiceError):
    """Users' code failed on the same logs again and again; the cause is its last error."""

    default_code = "ProcessFailed"


@dataclass
class _Reader:
    """How far a shard is read here. After a store did not answer it is left alone until ``not_before`` (monotonic)."""

    shard: int
    epoch: int
    cursor: Cursor
    failures: int = 0
    not_before: float = 0.0


class Consumer:
    """One consumer of a group.

    Args:
        home: an open home, or where it is. The consumer opens it anew for itself.
        logstore, group: their names; the group exists.
        name: unlike those of the group's other consumers. One that a killed process had is free after the group's time-out.
        project: the Logstore's.
        start: where a group begins that was never consumed: at the first log, behind the newest, or before the first log received at a
            time (microseconds) or later. Once there is a checkpoint it is not looked at.
        position_of: gives the cursor (text) up to which a shard's results are kept, or None; asked when a shard is begun.
        max_rows, max_bytes, fields: of the groups; see `ShardedStore.pull`.
        tries: how often ``process`` is called with the same logs, with growing pauses from ``retry_seconds``, before `run` fails.
        idle_seconds: how often shards are looked at in which there was nothing.
        beat_seconds: between heartbeats; a quarter of the time-out, 5 s at most, when it is not given.

    Raises ParameterInvalid for values that cannot be.
    """

    def __init__(
        self,
        home: Home | Path | str,
        logstore: str,
        group: str,
        name: str,
        *,
        project: str = DEFAULT_PROJECT,
        start: Literal["begin", "end"] | int = "begin",
        position_of: Callable[[int], str | None] | None = None,
        max_rows: int = 65_536,
        max_bytes: int = 32 * 1024 * 1024,
        fields: Sequence[str] | None = None,
        tries: int = 5,
        retry_seconds: float = 0.5,
        idle_seconds: float = 0.5,
        beat_seconds: float | None = None,
    ) -> None:
        check_consumer_name(name)
        if not isinstance(start, int) and start not in ("begin", "end"):
            raise ParameterInvalid(f"{start!r} is no place to start at", hint="give 'begin', 'end' or a receive time in microseconds")
        if tries < 1 or retry_seconds < 0 or idle_seconds <= 0:
            raise ParameterInvalid("a consumer tries at least once, and its pauses are positive")
        self._home = home if isinstance(home, Home) else Home(Path(home))
        self._where = (project, logstore)
        self._group = group
        self._name = name
        self._start = start
        self._position_of = position_of
        self._bounds = (max_rows, max_bytes, fields)
        self._tries = tries
        self._retry_seconds = retry_seconds
        self._idle_seconds = idle_seconds
        self._beat_seconds = beat_seconds
        self._stopping = False
        self._signals = 0

    def stop(self) -> None:
        """Let `run` end when the logs in hand are processed; from any thread, from ``process`` too. It stays stopped."""
        self._stopping = True

    def run(self, process: Process, *, until_idle: bool = False) -> int:
        """Call ``process(group, place)`` for all logs of the shards that the group gives to this consumer. Gives how many logs those were.

        Ends after `stop`, Ctrl-C or SIGTERM, when the logs in hand are processed and their checkpoint is saved; the shards are free
        at once. A second Ctrl-C interrupts ``process``. With ``until_idle`` it also ends when there is nothing to read for it now.
        Heartbeats go on in a thread of their own while ``process`` works.

        Raises ProcessFailed with the place after the last try; NotFound with code ``ConsumerGroupNotExist``, or ``CursorExpired``
        when logs were cleaned away before they were read; AlreadyExists with code ``ConsumerAlreadyExist`` when another process
        consumes under the name; StoreError when a store refuses. One that does not answer is asked again and again.
        """
        own, background = self._home.once_more(), self._home.once_more()
        try:
            groups, store = own.consumer_groups(*self._where), own.open_logstore(*self._where)
            self._seed(groups, store)
            beats = background.consumer_groups(*self._where)
            with self._signals_stop(), self._membership(beats) as membership:
                return _Run(self, process, groups, store, membership).all(until_idle)
        finally:
            own.close()
            background.close()

    def _membership(self, groups: ConsumerGroups) -> Membership:
        return Membership(groups, self._group, self._name, self._beat_seconds, lambda: self._stopping)

    def _seed(self, groups: ConsumerGroups, store: Logstore) -> None:
        """Where a group begins is settled once for all its shards: what a split makes later is then read from its beginning."""
        state = groups.state(self._group)
        if self._start == "begin" or state.consumers or any(seat.checkpoint is not None for seat in state.seats.values()):
            return
        extents = store.extents().shards
        if isinstance(self._start, int):
            cursors = {shard: store.cursor_of(shard, self._start) for shard in extents}
        else:
            cursors = {shard: extent.end for shard, extent in extents.items()}
        try:
            groups.reset(self._group, cursors)
        except LogsluiceError as refusal:
            if refusal.code != "ConsumerGroupBusy":  # another consumer was first, and has settled it
                raise

    @contextmanager
    def _signals_stop(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def arrived(_number: int, _frame: FrameType | None) -> None:
            self._signals += 1
            self._stopping = True
            if self._signals > 1:
                raise KeyboardInterrupt

        before = {number: signal.signal(number, arrived) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Run:
    """One run of a consumer: a round takes one group of each of its shards."""

    def __init__(self, consumer: Consumer, process: Process, groups: ConsumerGroups, store: Logstore, membership: Membership) -> None:
        self._consumer = consumer
        self._process = process
        self._groups = groups
        self._store = store
        self._membership = membership
        self._readers: dict[int, _Reader] = {}
        self._logs = 0

    def all(self, until_idle: bool) -> int:
        """Round by round."""
        busy_at = time.monotonic()
        while not self._stopping:
            self._membership.changed.clear()
            beaten = self._membership.beaten()  # before its answer is looked at
            if self._take_and_let_go() | self._round():
                busy_at = time.monotonic()
                continue
            if until_idle and not any(reader.failures for reader in self._readers.values()):
                if beaten > busy_at:
                    break
                self._membership.beat_soon()
            self._membership.changed.wait(min(self._consumer._idle_seconds, 0.05) if until_idle else self._consumer._idle_seconds)
        return self._logs

    @property
    def _stopping(self) -> bool:
        return self._consumer._stopping

    def _take_and_let_go(self) -> bool:
        """Work on what the group gives, on nothing else. Whether that is another shard than before."""
        told, changed = self._membership.told(), False
        for shard in self._membership.held() - told.keys():
            self._let_go(shard)
            changed = True
        for shard, assignment in told.items():
            reader = self._readers.get(shard)
            if reader is None or reader.epoch != assignment.epoch:
                changed |= self._take(assignment)
        return changed

    def _take(self, assignment: Assignment) -> bool:
        shard = assignment.shard
        try:
            # Not the checkpoint that came with the heartbeat: this consumer may have saved a later one since, before it let go.
            saved = next((one.cursor for one in self._groups.checkpoints(self._consumer._group, shard)), None)
        except StoreUnavailable as failure:
            _log.warning("the checkpoint of shard %d could not be read: %s", shard, failure)
            return False
        reader = _Reader(shard, assignment.epoch, BEGIN if saved is None else saved)
        self._readers[shard] = reader
        kept = None if self._consumer._position_of is None else self._consumer._position_of(shard)
        _log.info("%s takes shard %d at %s", self._consumer._name, shard, reader.cursor.text)
        if kept is not None and (cursor := Cursor.of_text(kept)) > reader.cursor:
            self._save(reader, cursor)
        return True

    def _let_go(self, shard: int) -> None:
        self._readers.pop(shard, None)
        self._membership.let_go(shard)
        _log.info("%s lets go of shard %d", self._consumer._name, shard)

    def _round(self) -> bool:
        """Whether there were logs."""
        found = False
        for reader in list(self._readers.values()):
            if self._stopping:
                break
            if self._owns(reader) and time.monotonic() >= reader.not_before:
                found |= self._next_of(reader)
        return found

    def _owns(self, reader: _Reader) -> bool:
        told = self._membership.told().get(reader.shard)
        return told is not None and told.epoch == reader.epoch

    def _next_of(self, reader: _Reader) -> bool:
        max_rows, max_bytes, fields = self._consumer._bounds
        try:
            pulled = self._store.pull(reader.shard, reader.cursor, max_rows=max_rows, max_bytes=max_bytes, fields=fields)
        except StoreUnavailable as failure:
            pause = min(_LONGEST_PAUSE, 2.0**reader.failures)
            reader.failures, reader.not_before = reader.failures + 1, time.monotonic() + pause
            _log.warning("shard %d cannot be read, again in %.0f s: %s", reader.shard, pause, failure)
            return False
        reader.failures = 0
        if pulled.group is not None:
            place = Place(reader.shard, reader.epoch, reader.cursor, pulled.cursor)
            if not self._owns(reader) or not self._processed(reader, pulled.group, place):
                return False
            self._logs += pulled.group.num_rows
        if pulled.cursor != reader.cursor:
            self._save(reader, pulled.cursor)
        if pulled.ended:
            self._membership.beat_soon()  # those that it was split or merged into may wait for that
        return pulled.group is not None

    def _processed(self, reader: _Reader, group: LogGroup, place: Place) -> bool:
        """Whether users' code is done with a group. Not when the consumer is stopped, or loses the shard, between two tries."""
        pause, tries = self._consumer._retry_seconds, self._consumer._tries
        for number in range(1, tries + 1):
            try:
                self._process(group, place)
            except Exception as error:
                what = f"processing shard {place.shard} from {place.begin.text} to {place.end.text} failed: {type(error).__name__}: {error}"
                if number == tries:
                    raise ProcessFailed(
                        f"{what} ({number} tries)" if tries > 1 else what,
                        hint=f"the logs stay unread; `logsluice consumer-group reset {self._consumer._where[1]} {self._consumer._group}"
                        f" --shard {place.shard} --cursor {place.end.text}` passes over them",
                    ) from error
                _log.warning("%s; again in %.1f s", what, pause, exc_info=error)
                if not self._paused(reader, pause):
                    return False
                pause = min(_LONGEST_PAUSE, 2 * pause)
            else:
                return True
        return False

    def _paused(self, reader: _Reader, seconds: float) -> bool:
        """Wait; whether the shard is still worked on afterwards."""
        until = time.monotonic() + seconds
        while not self._stopping and self._owns(reader) and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
        return not self._stopping and self._owns(reader)

    def _save(self, reader: _Reader, cursor: Cursor) -> None:
        """Store how far a shard was read, and go on from there; a shard that is not this consumer's any more is let go."""
        consumer, pause = self._consumer, 0.1
        while True:
            try:
                self._groups.save_checkpoint(consumer._group, reader.shard, cursor, consumer=consumer._name, epoch=reader.epoch)
            except StoreUnavailable as failure:
                _log.warning("the checkpoint of shard %d could not be saved: %s", reader.shard, failure)
                if not self._owns(reader) or (self._stopping and pause > 2):
                    break
                time.sleep(pause)
                pause = min(2 * pause, 5.0)
            except LogsluiceError as refusal:
                if refusal.code not in _LOST:
                    raise
                _log.warning("shard %d is read by another consumer from now on: %s", reader.shard, refusal)
                break
            else:
                reader.cursor = cursor
                return
        self._let_go(reader.shard)
