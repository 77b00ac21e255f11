"""A scheduler under a clock that jumps: the product's own plan and states, with attempts whose length and end are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from transforms.schedule.failure import Failure
from transforms.schedule.instance import Instance, make_instance
from transforms.schedule.plan import Begin, Make, Progress, Wait, next_step
from transforms.schedule.task import Task
from transforms.schedule.task_edit import check_edit

SECOND = 1_000_000
FAILED = Failure("SQLFailed", "scripted")

Outcome = tuple[int, bool, bool]
"""(microseconds an attempt takes, whether it goes well, whether a failure is final)."""


@dataclass(frozen=True)
class Event:
    """Something that happens to the task from outside: ``edit``, ``retry``, ``enable``, ``disable``."""

    at_us: int
    kind: str
    task: Task | None = None
    schedule_time: int = 0


@dataclass
class Simulation:
    """Runs one task. ``outcome(instance, run number, attempt number)`` tells how an attempt goes, numbers from 0."""

    task: Task
    created_us: int
    outcome: Callable[[Instance, int, int], Outcome]
    check: Callable[[Simulation], None] = lambda simulation: None
    instances: dict[int, Instance] = field(default_factory=dict)
    snapshots: dict[int, Task] = field(default_factory=dict)
    enabled: bool = True
    now_us: int = 0
    _ends: tuple[int, int, bool, bool] | None = None
    _progress: Progress | None = None

    def run(self, events: Sequence[Event], until_us: int) -> None:
        """Everything that happens up to a moment, that moment included."""
        waiting = sorted(events, key=lambda event: event.at_us)
        self.now_us = self.created_us
        while self.now_us <= until_us:
            self._end_attempt()
            while waiting and waiting[0].at_us <= self.now_us:
                self._happen(waiting.pop(0))
            step = next_step(self.task, self.progress(), self.now_us)
            if not isinstance(step, Wait):
                self._do(step)
                continue
            moments = [step.until_us, self._ends[1] if self._ends else None, waiting[0].at_us if waiting else None]
            coming = [moment for moment in moments if moment is not None]
            if not coming:
                return
            self.now_us = max(self.now_us, min(coming))

    def progress(self) -> Progress:
        """As a ledger would have it; kept up to date by `_put` instead of being gathered each time."""
        if self._progress is None:
            self._progress = Progress.of("plan-1", self.created_us, self.instances.values(), self.enabled)
        return self._progress

    def _do(self, step: Make | Begin) -> None:
        if isinstance(step, Make):
            assert step.schedule_time not in self.instances
            one = make_instance("plan-1", step.schedule_time, step.window, self.now_us)
            self.snapshots[step.schedule_time] = self.task
        else:
            one = step.instance.begin(self.now_us)
        self._put(one)
        takes, well, final = self.outcome(one, len(one.runs) - 1, len(one.run.attempts) - 1)
        self._ends = (one.schedule_time, self.now_us + takes, well, final)

    def _end_attempt(self) -> None:
        if self._ends is None or self._ends[1] > self.now_us:
            return
        schedule_time, _, well, final = self._ends
        one, self._ends = self.instances[schedule_time], None
        limits = self.snapshots[schedule_time].limits if len(one.runs) == 1 else self.task.limits
        if final:
            limits = replace(limits, max_retries=0)
        self._put(one.succeed(self.now_us) if well else one.fail(self.now_us, FAILED, limits))

    def _happen(self, event: Event) -> None:
        if event.kind == "edit":
            assert event.task is not None
            check_edit(self.task, event.task, self.progress().last)
            self.task = event.task
        elif event.kind == "retry":
            self._put(self.instances[event.schedule_time].retry(event.at_us))
        else:
            self.enabled = event.kind == "enable"
            self._progress = replace(self.progress(), enabled=self.enabled)

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
