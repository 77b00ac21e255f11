"""A backfill: the windows of a task that are run for a range of schedule times, besides what its schedule makes.

Windows that were made before are run as they were made: same schedule time, same window, same id, so their rows are replaced. For
the others the rule of today yields the schedule times, going on in step from those that were made. What the schedule itself will
make is left to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from typing import Literal

from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval, without
from transforms.schedule.instance import Instance
from transforms.schedule.plan import Progress, next_schedule_time
from transforms.schedule.task import Task

__all__ = ["Backfill", "BackfillWindow", "plan_backfill"]


@dataclass(frozen=True)
class BackfillWindow:
    """One window to run.

    Attributes:
        schedule_time, window: Unix seconds.
        instance: the one it repeats, None for one that the ledger does not know.
        problem: why there can be no such window; its instance fails at once.
    """

    schedule_time: int
    window: Interval
    instance: Instance | None = None
    problem: str | None = None

    @property
    def reason(self) -> Literal["missing", "failed", "again"]:
        """Why it is run."""
        if self.instance is None:
            return "missing"
        return "failed" if self.instance.state == "FAILED" else "again"


@dataclass(frozen=True)
class Backfill:
    """What a backfill runs; the windows are made as they are asked for, so a range may be as long as one likes.

    Attributes:
        task: the configuration that missing windows are made with.
        range: of schedule times, Unix seconds.
        again: whether windows that succeeded are run too.
        repeated: instances that are run again, by schedule time.
        fresh: ranges of schedule times in which the rule of today makes windows, each with the anchor it counts from.
        known: schedule times that have an instance.
        left_out: instances inside the range that have not ended: they are not touched.
    """

    task: Task
    range: Interval
    again: bool
    repeated: Mapping[int, Instance]
    fresh: tuple[tuple[Interval, int], ...]
    known: frozenset[int]
    left_out: tuple[Instance, ...]

    def windows(self) -> Iterator[BackfillWindow]:
        """In the order of their schedule times."""
        old = (BackfillWindow(at, one.window, one) for at, one in sorted(self.repeated.items()))
        new = (self._fresh(at) for part, anchor in self.fresh for at in self.task.rule.times(part, anchor) if at not in self.known)
        return merge(old, new, key=lambda window: window.schedule_time)

    def _fresh(self, at: int) -> BackfillWindow:
        return BackfillWindow(at, self.task.window_at(at), problem=self.task.window.problem_at(at, self.task.zone))

    def span(self) -> Interval | None:
        """From the first window's start to the last one's end: what one scan reads for all of them. None when there are none."""
        start, end = None, None
        for window in (one.window for one in self.windows()):
            start = window.start if start is None else min(start, window.start)
            end = window.end if end is None else max(end, window.end)
        return None if start is None or end is None else Interval(start, end)


def plan_backfill(
    task: Task,
    progress: Progress,
    instances: Iterable[Instance],
    within: Interval,
    *,
    again: bool = False,
    forgotten_before: int | None = None,
) -> Backfill:
    """What a backfill of a range of schedule times runs.

    Args:
        task: the configuration as it is now.
        progress: what its ledger knows.
        instances: those of the ledger inside the range.
        within: schedule times, Unix seconds; the end does not belong to it.
        again: run what succeeded, too.
        forgotten_before: instances with schedule times before this were made, and their records have been dropped since.

    Raises ParameterInvalid for a range that is empty or lies ahead of the schedule.
    """
    if within.start >= within.end:
        raise ParameterInvalid("the range of the backfill is empty", hint="its end lies after its beginning")
    found = {one.schedule_time: one for one in instances if one.schedule_time in within}
    ended = {at: one for at, one in found.items() if one.finished}
    repeated = {at: one for at, one in ended.items() if again or one.state == "FAILED"}
    planned = _left_to_the_schedule(task, progress)
    made = _made(progress, forgotten_before if again else None)
    fresh = without(within, (*made, *planned))
    if not fresh and not ended and all(part.start <= within.start and within.end <= part.end for part in planned) and planned:
        raise ParameterInvalid("the schedule itself will make these windows", hint="wait for them, or choose an earlier range")
    open_ones = tuple(one for _, one in sorted(found.items()) if not one.finished)
    parts = tuple((part, _anchor(task, progress, part)) for part in fresh)
    return Backfill(task, within, again, repeated, parts, frozenset(found), open_ones)


def _anchor(task: Task, progress: Progress, part: Interval) -> int:
    """The nearest schedule time that was made: an edit may have changed the step in between."""
    if progress.first is None or progress.last is None:
        return task.from_time
    return progress.last if part.start > progress.last else progress.first


def _made(progress: Progress, forgotten_before: int | None) -> tuple[Interval, ...]:
    """Where the schedule skipped nothing, so that what the ledger does not know was never missing."""
    if progress.first is None or progress.last is None:
        return ()
    start = progress.first if forgotten_before is None else max(progress.first, forgotten_before)
    return (Interval(start, progress.last + 1),)


def _left_to_the_schedule(task: Task, progress: Progress) -> tuple[Interval, ...]:
    """From the next schedule time to the end of the plan; a task that is disabled will make up for it once it is enabled."""
    coming = next_schedule_time(task, progress)
    return () if coming is None else (Interval(coming, task.range.end),)
