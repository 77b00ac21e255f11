"""A scheduler under a clock that jumps: the product's own plan and states, with attempts whose length and end are given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from transforms.schedule.failure import WORKER_LOST, Failure
from transforms.schedule.instance import Instance, StateConflict, make_instance
from transforms.schedule.plan import Begin, Make, Progress, Wait, next_step
from transforms.schedule.retry import MANUAL_RETRY_US
from transforms.schedule.task import Task
from transforms.schedule.task_edit import check_edit

SECOND = 1_000_000
FAILED = Failure("SQLFailed", "scripted")

Outcome = tuple[int, bool, bool]
"""(microseconds an attempt takes, whether it goes well, whether a failure is final)."""


@dataclass(frozen=True)
class Event:
    """Something from outside: ``edit``, ``retry`` (of a schedule time, else of the oldest that can be), ``enable``, ``disable``, the
    scheduler goes ``down`` and comes ``up``, its ``clock`` is off by ``shift_us`` from now on. ``outcome``: how the run that is asked for goes."""

    at_us: int
    kind: str
    task: Task | None = None
    schedule_time: int = 0
    shift_us: int = 0
    outcome: Outcome | None = None


@dataclass
class Simulation:
    """Runs one task. ``outcome(instance, run number, attempt number)`` tells how an attempt goes, numbers from 0.

    ``true_us`` is the moment, ``now_us`` what the scheduler's clock shows.
    """

    task: Task
    created_us: int
    outcome: Callable[[Instance, int, int], Outcome]
    check: Callable[[Simulation], None] = lambda simulation: None
    instances: dict[int, Instance] = field(default_factory=dict)
    snapshots: dict[int, Task] = field(default_factory=dict)
    asked: dict[tuple[int, int], Outcome] = field(default_factory=dict)
    refused: list[Event] = field(default_factory=list)
    enabled: bool = True
    down: bool = False
    true_us: int = 0
    shift_us: int = 0
    _ends: tuple[int, int, bool, bool] | None = None
    _progress: Progress | None = None

    @property
    def now_us(self) -> int:
        return self.true_us + self.shift_us

    def run(self, events: Sequence[Event], until_us: int) -> None:
        """Everything that happens up to a moment, that moment included."""
        waiting = deque(sorted(events, key=lambda event: event.at_us))
        self.true_us = self.created_us
        while self.true_us <= until_us:
            self._end_attempt()
            while waiting and waiting[0].at_us <= self.true_us:
                self._happen(waiting.popleft())
            step = Wait(None, "running") if self.down else next_step(self.task, self.progress(), self.now_us)
            if not isinstance(step, Wait):
                self._do(step)
                continue
            planned = None if step.until_us is None else step.until_us - self.shift_us
            moments = (planned, self._ends[1] if self._ends and not self.down else None, waiting[0].at_us if waiting else None)
            coming = [moment for moment in moments if moment is not None]
            if not coming:
                break
            self.true_us = max(self.true_us, min(coming))
        self.true_us = until_us

    def progress(self) -> Progress:
        """As a ledger would have it; kept up to date by `_put` instead of being gathered each time."""
        if self._progress is None:
            self._progress = Progress.of("plan-1", self.created_us, self.instances.values(), self.enabled)
        return self._progress

    def _do(self, step: Make | Begin) -> None:
        if isinstance(step, Make):
            assert step.problem is None
            assert step.schedule_time not in self.instances
            one = make_instance("plan-1", step.schedule_time, step.window, self.now_us)
            self.snapshots[step.schedule_time] = self.task
        else:
            one = step.instance.begin(self.now_us)
        self._put(one)
        scripted = self.asked.get((one.schedule_time, len(one.runs) - 1))
        takes, well, final = scripted or self.outcome(one, len(one.runs) - 1, len(one.run.attempts) - 1)
        self._ends = (one.schedule_time, self.true_us + takes, well, final)

    def _end_attempt(self) -> None:
        if self._ends is None or self._ends[1] > self.true_us or self.down:
            return
        schedule_time, _, well, final = self._ends
        self._finish(schedule_time, None if well else FAILED, final)

    def _finish(self, schedule_time: int, failure: Failure | None, final: bool = False) -> None:
        one, self._ends = self.instances[schedule_time], None
        limits = self.snapshots[schedule_time].limits if len(one.runs) == 1 else self.task.limits
        if final:
            limits = replace(limits, max_retries=0)
        self._put(one.succeed(self.now_us) if failure is None else one.fail(self.now_us, failure, limits))

    def _happen(self, event: Event) -> None:
        if event.kind == "edit":
            assert event.task is not None
            check_edit(self.task, event.task, self.progress().last)
            self.task = event.task
        elif event.kind == "retry":
            self._retry(event)
        elif event.kind == "clock":
            self.shift_us = event.shift_us
        elif event.kind in ("down", "up"):
            self.down = event.kind == "down"
            if not self.down and self._ends is not None:
                # Whoever takes over finds an attempt that nobody runs.
                self._finish(self._ends[0], WORKER_LOST)
        else:
            self.enabled = event.kind == "enable"
            self._progress = replace(self.progress(), enabled=self.enabled)

    def _retry(self, event: Event) -> None:
        young = (one for _, one in sorted(self.instances.items()) if one.finished and self.now_us - one.created_us < MANUAL_RETRY_US)
        one = self.instances.get(event.schedule_time) if event.schedule_time else next(young, None)
        try:
            retried = one.retry(self.now_us) if one is not None else None
        except StateConflict:
            retried = None
        if retried is None:
            self.refused.append(event)
            return
        if event.outcome is not None:
            self.asked[(retried.schedule_time, len(retried.runs) - 1)] = event.outcome
        self._put(retried)

    def _put(self, one: Instance) -> None:
        before = self.progress()
        self.instances[one.schedule_time] = one
        ended = one.runs[-1].attempts[-1].ended_us if one.runs[-1].attempts else None
        others = tuple(other for other in before.open if other.id != one.id)
        self._progress = replace(
            before,
            first=one.schedule_time if before.first is None else min(before.first, one.schedule_time),
            last=one.schedule_time if before.last is None else max(before.last, one.schedule_time),
            free_us=max(before.free_us, ended or 0),
            open=others if one.finished else (*others, one),
        )
        self.check(self)
