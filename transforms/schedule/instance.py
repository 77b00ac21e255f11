"""An instance of a task: one schedule time, its window, its attempts, and the states it goes through.

    (made) ─► RUNNING ─► SUCCEEDED ─┐
                │  ▲                 │ asked for by hand, or because of late logs
         failed │  │ next attempt    ▼
                └► STARTING ◄──── FAILED
    RUNNING, budget spent or cancelled ─► FAILED

An instance never changes its schedule time, its window or its id. Values are immutable: each step gives a new one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from transforms.core.errors import UserError
from transforms.core.interval import Interval
from transforms.schedule.attempt import Attempt, Run
from transforms.schedule.failure import CANCELLED, Failure
from transforms.schedule.retry import MANUAL_RETRY_US, RetryLimits

__all__ = ["Instance", "InstanceState", "Origin", "StateConflict", "instance_id", "make_instance"]

Origin = Literal["schedule", "backfill"]


class InstanceState(StrEnum):
    """Where an instance is; STARTING is between attempts, or waiting for its turn after a retry was asked for."""

    RUNNING = "RUNNING"
    STARTING = "STARTING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class StateConflict(UserError):
    """What is asked for does not fit the state an instance is in."""

    default_code = "JobInstanceStateConflict"


@dataclass(frozen=True)
class Instance:
    """One instance.

    Attributes:
        id: stands for the task and the schedule time; the destination knows its rows by it.
        schedule_time, window: Unix seconds.
        created_us: when it was made, microseconds.
        origin: whether the schedule made it, or a backfill.
        state: see the module.
        runs: the first one and those asked for later; the last one is current.
        next_attempt_us: when a STARTING instance is to be tried again.
    """

    id: str
    schedule_time: int
    window: Interval
    created_us: int
    origin: Origin
    state: InstanceState
    runs: tuple[Run, ...]
    next_attempt_us: int = 0

    @property
    def run(self) -> Run:
        """The current run."""
        return self.runs[-1]

    @property
    def finished(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in (InstanceState.SUCCEEDED, InstanceState.FAILED)

    @property
    def queued(self) -> bool:
        """Whether a retry was asked for and has not begun: the task may run another instance meanwhile."""
        return self.state is InstanceState.STARTING and not self.run.attempts

    @property
    def retries(self) -> int:
        """Automatic retries: the attempts that runs made after their first, over all runs."""
        return sum(max(0, len(run.attempts) - 1) for run in self.runs)

    @property
    def execute_us(self) -> int | None:
        """When the last attempt began."""
        return next((run.attempts[-1].began_us for run in reversed(self.runs) if run.attempts), None)

    @property
    def end_us(self) -> int | None:
        """When the last attempt ended; None while there is more to come."""
        return self.run.attempts[-1].ended_us if self.finished else None

    @property
    def failure(self) -> Failure | None:
        """Why the last attempt failed."""
        return next((run.attempts[-1].failure for run in reversed(self.runs) if run.attempts), None)

    def begin(self, now_us: int) -> Instance:
        """The next attempt begins. Raises StateConflict unless the instance is STARTING."""
        self._insist(InstanceState.STARTING, "begin")
        return self._with(InstanceState.RUNNING, (*self.run.attempts, Attempt(now_us)))

    def succeed(self, now_us: int) -> Instance:
        """The result is computed and written. Raises StateConflict unless the instance is RUNNING."""
        self._insist(InstanceState.RUNNING, "succeed")
        return self._with(InstanceState.SUCCEEDED, self._ended(now_us, None))

    def fail(self, now_us: int, failure: Failure, limits: RetryLimits) -> Instance:
        """The attempt failed: it is tried again while the run's budget lasts. Raises StateConflict unless the instance is RUNNING."""
        self._insist(InstanceState.RUNNING, "fail")
        attempts = self._ended(now_us, failure)
        again = limits.next_attempt_us(attempts[0].began_us, len(attempts), now_us)
        if again is None:
            return self._with(InstanceState.FAILED, attempts)
        return self._with(InstanceState.STARTING, attempts, again)

    def retry(self, now_us: int, trigger: Literal["manual", "late"] = "manual") -> Instance:
        """Ask for another run. Raises StateConflict unless the instance has ended and is young enough."""
        if not self.finished:
            raise StateConflict(
                f"the instance {self.id} is {self.state}", hint="only an instance that has ended can be retried: wait, or cancel it"
            )
        if now_us - self.created_us > MANUAL_RETRY_US:
            raise StateConflict(f"the instance {self.id} was made more than 7 days ago", hint="run its window again with a backfill")
        run = Run(trigger, now_us)
        return replace(self, state=InstanceState.STARTING, runs=(*self.runs, run), next_attempt_us=now_us)

    def cancel(self, now_us: int) -> Instance:
        """Give up what is going on. Raises StateConflict when the instance has ended."""
        if self.finished:
            raise StateConflict(f"the instance {self.id} has ended: it is {self.state}", hint="only a running instance can be cancelled")
        if self.state is InstanceState.RUNNING:
            return self._with(InstanceState.FAILED, self._ended(now_us, CANCELLED))
        if self.run.attempts:
            last = replace(self.run.attempts[-1], failure=CANCELLED)
            return self._with(InstanceState.FAILED, (*self.run.attempts[:-1], last))
        # A retry that never began leaves no trace: the run before it counts again.
        before = self.runs[:-1]
        well = before[-1].attempts[-1].failure is None
        return replace(self, state=InstanceState.SUCCEEDED if well else InstanceState.FAILED, runs=before, next_attempt_us=0)

    def _insist(self, state: InstanceState, verb: str) -> None:
        if self.state is not state:
            raise StateConflict(f"the instance {self.id} cannot {verb}: it is {self.state}, not {state}", hint="read its state again")

    def _ended(self, now_us: int, failure: Failure | None) -> tuple[Attempt, ...]:
        *earlier, last = self.run.attempts
        # A clock that was set back must not make an attempt end before it began.
        return (*earlier, Attempt(last.began_us, max(now_us, last.began_us), failure))

    def _with(self, state: InstanceState, attempts: tuple[Attempt, ...], next_attempt_us: int = 0) -> Instance:
        runs = (*self.runs[:-1], replace(self.run, attempts=attempts))
        return replace(self, state=state, runs=runs, next_attempt_us=next_attempt_us)


def instance_id(schedule_id: str, schedule_time: int) -> str:
    """The same instance has the same id wherever and whenever it is made, so that making it again replaces what it wrote.

    ``schedule_id`` stands for one creation of a task: a task that is deleted and created again has nothing to do with the rows of old.
    Ids of one task sort by schedule time, so the bounds of ids that a file of many instances has tell which it can hold.
    """
    return f"{_digest(schedule_id)}-{schedule_time:010}"


@lru_cache(maxsize=1_024)
def _digest(schedule_id: str) -> str:
    return hashlib.sha256(schedule_id.encode()).hexdigest()[:16]


def make_instance(schedule_id: str, schedule_time: int, window: Interval, now_us: int, origin: Origin = "schedule") -> Instance:
    """A new instance whose first attempt begins now."""
    run = Run(origin, now_us, (Attempt(now_us),))
    return Instance(instance_id(schedule_id, schedule_time), schedule_time, window, now_us, origin, InstanceState.RUNNING, (run,))
