"""What a task does next: a pure function of its configuration, of what its ledger holds, and of the moment.

The rules: one instance of a task is in execution at a time; instances are made in the order of their schedule times, none is skipped,
however far behind the task is; an instance starts at its schedule time plus the delay, when the one before has ended, not before the
task was created; a failed instance does not hold up the next; a retry that was asked for goes before the next planned instance. So a
slow instance, a start in the past, a fixed range, an edit and an outage are all the same arithmetic.

What the configuration says is looked at when an instance is made: the next schedule time after an edit follows the last one made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from transforms.core.interval import Interval
from transforms.schedule.instance import Instance
from transforms.schedule.task import Task

__all__ = ["Begin", "Make", "Progress", "Step", "Wait", "due", "next_schedule_time", "next_step", "start_of", "upcoming"]

_SECOND = 1_000_000


@dataclass(frozen=True)
class Progress:
    """What the ledger knows of a task.

    Attributes:
        schedule_id: stands for this creation of the task.
        created_us: when the task was created, microseconds.
        first, last: the first and the last schedule time that the schedule made an instance of; None before that.
        free_us: when the last attempt ended that has ended, microseconds; the creation before that.
        open: instances that have not ended.
        taken: schedule times after ``last`` that have an instance already, made by a backfill.
        enabled: whether new instances are made.
    """

    schedule_id: str
    created_us: int
    first: int | None = None
    last: int | None = None
    free_us: int = 0
    open: tuple[Instance, ...] = ()
    taken: frozenset[int] = frozenset()
    enabled: bool = True

    @staticmethod
    def of(schedule_id: str, created_us: int, instances: Iterable[Instance], enabled: bool = True) -> Progress:
        """From all the instances of a task."""
        instances = tuple(instances)
        planned = [one.schedule_time for one in instances if one.origin == "schedule"]
        last = max(planned, default=None)
        ends = (attempt.ended_us or 0 for one in instances for run in one.runs for attempt in run.attempts)
        return Progress(
            schedule_id,
            created_us,
            min(planned, default=None),
            last,
            max(ends, default=0),
            tuple(one for one in instances if not one.finished),
            frozenset(one.schedule_time for one in instances if one.origin == "backfill" and (last is None or one.schedule_time > last)),
            enabled,
        )


@dataclass(frozen=True)
class Make:
    """Make the instance of a schedule time and begin its first attempt. ``problem``: why it cannot have such a window; it fails at once."""

    schedule_time: int
    window: Interval
    problem: str | None = None


@dataclass(frozen=True)
class Begin:
    """Begin the next attempt of an instance."""

    instance: Instance


@dataclass(frozen=True)
class Wait:
    """Nothing to do before a moment (microseconds); None: before something happens to the task."""

    until_us: int | None
    reason: Literal["running", "retrying", "planned", "disabled", "ended"]


Step = Make | Begin | Wait


def next_step(task: Task, progress: Progress, now_us: int) -> Step:
    """What the task does now. After doing it, or at the moment it says, ask again."""
    active = [one for one in progress.open if not one.queued]
    if active:
        # One instance at a time: between its attempts it keeps its turn.
        one = active[0]
        if one.state == "RUNNING":
            return Wait(None, "running")
        return Begin(one) if now_us >= one.next_attempt_us else Wait(one.next_attempt_us, "retrying")
    queued = [one for one in progress.open if one.queued]
    if queued:
        return Begin(min(queued, key=lambda one: (one.run.requested_us, one.schedule_time)))
    if not progress.enabled:
        return Wait(None, "disabled")
    schedule_time = next_schedule_time(task, progress)
    if schedule_time is None:
        return Wait(None, "ended")
    start_us = start_of(task, progress, schedule_time)
    if now_us < start_us:
        return Wait(start_us, "planned")
    return Make(schedule_time, task.window_at(schedule_time), task.window.problem_at(schedule_time, task.zone))


def next_schedule_time(task: Task, progress: Progress) -> int | None:
    """The schedule time of the next instance that the schedule makes, or None when the plan has ended."""
    return next(upcoming(task, progress), None)


def upcoming(task: Task, progress: Progress) -> Iterator[int]:
    """The schedule times that are still to come, made as they are asked for; without end when the plan has none."""
    at = task.first_schedule_time() if progress.last is None else task.schedule_time_after(progress.last)
    while at is not None:
        if at not in progress.taken:
            yield at
        at = task.schedule_time_after(at)


def due(task: Task, progress: Progress, now_us: int) -> Iterator[int]:
    """The schedule times whose instances should have been made by now and have not."""
    for schedule_time in upcoming(task, progress) if progress.enabled else ():
        if (schedule_time + task.delay) * _SECOND > now_us:
            return
        yield schedule_time


def start_of(task: Task, progress: Progress, schedule_time: int) -> int:
    """When an instance may be made, if nothing else is going on; microseconds."""
    return max((schedule_time + task.delay) * _SECOND, progress.free_us, progress.created_us)
