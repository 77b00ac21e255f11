"""The scheduler service: runs every instance of every task when it is due. Imports no Beam: worker processes do.

The ledger decides what a task does next and who may do it; this is the loop that asks it at the right moments. So any number of
schedulers share the tasks of a home, and what a killed one was running is taken over when its lease has run out. Between two moments
the loop sleeps; once a second it asks the ledger whether anything was changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from pipelines.schedule.due_tasks import DueTasks, TaskKey
from pipelines.schedule.scheduled_tasks import worker_name
from pipelines.schedule.turn_lease import LEASE_SECONDS
from pipelines.schedule.worker_pool import InstanceWorker, WorkerPool
from pipelines.stop_signals import StopSignals
from transforms.core.errors import CommitConflict, LogsluiceError, NotFound, StoreUnavailable
from transforms.schedule.failure import INTERRUPTED, TIMED_OUT, WORKER_LOST, Failure
from transforms.schedule.instance import InstanceState
from transforms.schedule.ledger import InstanceEntry, Outcome, ScheduleLedger, Turn
from transforms.schedule.plan import Make, Wait, next_schedule_time, next_step

__all__ = ["Scheduler", "SchedulerSettings"]

_SECOND = 1_000_000
_POLL_SECONDS = 1.0
_ALL_EVERY_SECONDS = 300.0
"""Every task is asked for now and then, whatever the ledger says has changed."""
_MOST_CLAIMS = 100
"""Between two looks at what is running."""
_AGAIN_US = 30 * _SECOND
"""After a task could not be looked at."""


@dataclass(frozen=True)
class SchedulerSettings:
    """How a scheduler runs.

    Attributes:
        lease_seconds: after so long without a sign of life others take its turns over.
        attempt_seconds: a longer attempt is ended and has failed.
        grace_seconds: what is running may take so long when the scheduler is told to stop.
        once: end when nothing is left that was due when the scheduler started.
    """

    lease_seconds: float = LEASE_SECONDS
    attempt_seconds: float = 600.0
    grace_seconds: float = 30.0
    once: bool = False


@dataclass
class _Running:
    """A turn that a worker has; moments are `time.monotonic`."""

    turn: Turn
    worker: InstanceWorker
    began: float
    renew_at: float
    lease_end: float
    answer: Outcome | Failure | None = None
    report_at: float = 0.0

    @property
    def key(self) -> TaskKey:
        return self.turn.entry.task.project, self.turn.entry.task.name


@dataclass
class Tally:
    """What became of a run of the scheduler."""

    succeeded: int = 0
    failed: int = 0
    interrupted: int = 0


@dataclass
class Scheduler:
    """The loop. ``ended`` is told of each instance that ended here and the seconds of its last attempt; ``say`` has words for people."""

    ledger: ScheduleLedger
    pool: WorkerPool
    ended: Callable[[InstanceEntry, float], None]
    say: Callable[[str], None]
    settings: SchedulerSettings = SchedulerSettings()
    tally: Tally = field(default_factory=Tally)
    _due: DueTasks = field(default_factory=DueTasks)
    _running: dict[TaskKey, _Running] = field(default_factory=dict)
    _known: int = -1
    _clock_us: int = 0
    _poll_at: float = 0.0
    _all_at: float = 0.0
    _silent: bool = False
    _until_us: int | None = None
    _stop_at: float | None = None

    def run(self, stop: StopSignals) -> Tally:
        """Until told to stop; with ``once`` until nothing is left that was due at the start. Raises StoreError when the ledger cannot
        be read at the start; later it is asked again until it answers."""
        self._look(time.monotonic())
        if self.settings.once:
            self._until_us = self._now_us()
        try:
            while not self._finished(stop):
                self._hand_out()
                wait([stop.fileno(), *(one.worker.connection for one in self._running.values() if one.answer is None)], self._pause())
                self._collect()
                self._keep_turns()
                self._poll()
        finally:
            self.pool.close()
        return self.tally

    def _finished(self, stop: StopSignals) -> bool:
        asked, now = stop.received(), time.monotonic()
        if asked and self._stop_at is None:
            self._stop_at = now + self.settings.grace_seconds
            if self._running:
                self.say(f"stopping when {_instances(len(self._running))} ended, {self.settings.grace_seconds:g} s at most; again: now")
        if self._stop_at is not None and (asked > 1 or now >= self._stop_at):
            for one in list(self._running.values()):
                self._give_up(one)
        if self._running:
            return False
        return self._stop_at is not None or (self._until_us is not None and not len(self._due))

    # What is due

    def _poll(self) -> None:
        """Ask the ledger what has changed, and the time, once a second."""
        now = time.monotonic()
        if now < self._poll_at:
            return
        try:
            self._look(now)
        except StoreUnavailable as error:
            self._unanswered(error)

    def _look(self, now: float) -> None:
        self._poll_at = now + _POLL_SECONDS
        self._clock_us = self.ledger.now_us() - round(now * _SECOND)
        number = self.ledger.changes()
        if number != self._known or now >= self._all_at:
            # What changes from here on has a later number: nothing is missed between the two questions.
            everything = now >= self._all_at
            for key in self.ledger.changed_tasks(-1 if everything else self._known):
                if key not in self._running and self._until_us is None:
                    self._due.hasten(key, self._now_us())
            self._known = number
            self._all_at = now + _ALL_EVERY_SECONDS if everything else self._all_at
        self._answered()
        self.pool.lost()

    def _hand_out(self) -> None:
        """Give idle workers what is due."""
        for _ in range(_MOST_CLAIMS):
            key = self._due.pop(self._now_us()) if self._takes_more else None
            if key is None:
                return
            try:
                self._claim(key)
            except StoreUnavailable as error:
                self._due.put(key, self._now_us())
                self._unanswered(error)
            except NotFound:
                continue  # deleted
            except LogsluiceError as error:
                self.say(f"{key[1]}: {error.message}")
                self._put_off(key, self._now_us() + _AGAIN_US)

    def _claim(self, key: TaskKey) -> None:
        if self._until_us is not None and self._nothing_left(key):
            return
        asked = time.monotonic()
        found = self.ledger.claim(*key, worker_name(), self.settings.lease_seconds)
        if isinstance(found, Wait):
            if found.until_us is not None and (self._until_us is None or found.reason == "retrying"):
                self._due.put(key, found.until_us)
            return
        try:
            worker = self.pool.take()
        except OSError as error:
            self.say(f"a worker process cannot be started: {error.strerror}")
            self.ledger.fail(found, WORKER_LOST)
            self._due.put(key, self._now_us() + _AGAIN_US)
            return
        lease = self.settings.lease_seconds
        self._running[key] = _Running(found, worker, asked, asked + lease / 3, asked + lease)
        worker.run(found)

    def _nothing_left(self, key: TaskKey) -> bool:
        """Whether all is done of a task that was due at the start. What is only waiting comes again."""
        task, progress = self.ledger.task(*key).task, self.ledger.progress(*key)
        step = next_step(task, progress, self._now_us())
        if isinstance(step, Make):
            return not self._was_due(step.schedule_time + task.delay)
        if isinstance(step, Wait) and step.until_us is not None:
            schedule_time = next_schedule_time(task, progress) if step.reason == "planned" else None
            if step.reason == "retrying" or (schedule_time is not None and self._was_due(schedule_time + task.delay)):
                self._due.put(key, step.until_us)
        # Whether who runs it is still there only the ledger can tell.
        return isinstance(step, Wait) and step.reason != "running"

    def _was_due(self, seconds: int) -> bool:
        return self._until_us is not None and seconds * _SECOND <= self._until_us

    def _put_off(self, key: TaskKey, moment_us: int) -> None:
        if self._until_us is None:
            self._due.put(key, moment_us)
        else:
            self.tally.failed += 1

    # What is running

    def _collect(self) -> None:
        """Read what workers answered, and tell the ledger."""
        for one in list(self._running.values()):
            if one.answer is None and one.worker.connection.poll():
                answer = one.worker.answer()
                if answer is None:
                    self.pool.drop(one.worker)
                    answer = WORKER_LOST
                else:
                    self.pool.give_back(one.worker)
                one.answer = answer
            if one.answer is not None and time.monotonic() >= one.report_at:
                self._report(one)

    def _report(self, one: _Running) -> None:
        """The ledger hears how an attempt ended; if it does not answer it is told again."""
        assert one.answer is not None
        try:
            entry = self._tell(one.turn, one.answer)
        except StoreUnavailable as error:
            one.report_at = time.monotonic() + _POLL_SECONDS
            self._unanswered(error)
            return
        except (CommitConflict, NotFound):
            self._let_go(one)
            return
        self._let_go(one, entry)
        state = entry.instance.state
        if entry.instance.finished:
            self.tally.succeeded += state is InstanceState.SUCCEEDED
            self.tally.failed += state is InstanceState.FAILED
            self.ended(entry, time.monotonic() - one.began)

    def _tell(self, turn: Turn, answer: Outcome | Failure) -> InstanceEntry:
        return self.ledger.succeed(turn, answer) if isinstance(answer, Outcome) else self.ledger.fail(turn, answer)

    def _let_go(self, one: _Running, entry: InstanceEntry | None = None) -> None:
        del self._running[one.key]
        retrying = entry is not None and entry.instance.state is InstanceState.STARTING
        self._due.put(one.key, entry.instance.next_attempt_us if entry is not None and retrying else self._now_us())

    def _keep_turns(self) -> None:
        """Renew leases; end what is lost, and what takes too long."""
        for one in list(self._running.values()):
            now = time.monotonic()
            if one.answer is None and now >= one.began + self.settings.attempt_seconds:
                self.pool.drop(one.worker)
                one.answer = TIMED_OUT
                self._report(one)
            elif now >= one.renew_at:
                self._renew(one, now)

    def _renew(self, one: _Running, now: float) -> None:
        lease = self.settings.lease_seconds
        try:
            self.ledger.renew(one.turn, lease)
            one.renew_at, one.lease_end = now + lease / 3, now + lease
        except StoreUnavailable as error:
            self._unanswered(error)
            one.renew_at = now + min(_POLL_SECONDS, lease / 6)
            if now >= one.lease_end:
                self._lose(one)
        except (CommitConflict, NotFound):
            self._lose(one)

    def _lose(self, one: _Running) -> None:
        """The turn is somebody else's, or nobody's: its worker must not go on."""
        if one.answer is None:
            self.pool.drop(one.worker)
        self._let_go(one)

    def _give_up(self, one: _Running) -> None:
        """Time is up: the attempt is recorded as interrupted, so that whoever schedules next need not wait for the lease."""
        if one.answer is None:
            self.pool.drop(one.worker)
            one.answer = INTERRUPTED
        self.tally.interrupted += 1
        self._report(one)
        self._running.pop(one.key, None)  # a ledger that does not answer: it is taken over when its lease has run out

    @property
    def _takes_more(self) -> bool:
        return self._stop_at is None and not self._silent and self.pool.has_room

    # Time, and a ledger that does not answer

    def _now_us(self) -> int:
        """By the ledger's clock."""
        return self._clock_us + round(time.monotonic() * _SECOND)

    def _pause(self) -> float:
        """Seconds until there is something to do."""
        now = time.monotonic()
        moments = [self._poll_at]
        moments += [min(one.renew_at, one.report_at) if one.answer is not None else one.renew_at for one in self._running.values()]
        moments += [one.began + self.settings.attempt_seconds for one in self._running.values()]
        if self._stop_at is not None:
            moments.append(self._stop_at)
        due = self._due.next_moment()
        if due is not None and self._takes_more:
            moments.append(now + (due - self._now_us()) / _SECOND)
        return max(0.0, min(moments) - now)

    def _unanswered(self, error: StoreUnavailable) -> None:
        self._poll_at = time.monotonic() + _POLL_SECONDS
        if not self._silent:
            self.say(f"{error.message}; trying again")
        self._silent = True

    def _answered(self) -> None:
        if self._silent:
            self.say("the catalogue answers again")
        self._silent = False


def _instances(count: int) -> str:
    return "the running instance has" if count == 1 else f"the {count} running instances have"
