"""Tasks and the windows to come, as people and programs are shown them. Imports no Beam."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from transforms.core.interval import Interval
from transforms.core.moments import format_moment
from transforms.schedule.destinations import LogstoreDestination, MetricstoreDestination
from transforms.schedule.ledger import TaskEntry
from transforms.schedule.plan import Progress, next_schedule_time, start_of
from transforms.schedule.task import Task
from transforms.schedule.task_config import READ_ONLY

__all__ = ["ComingWindow", "coming_windows", "destination_name", "schedule_text", "shown_task"]


@dataclass(frozen=True)
class ComingWindow:
    """An instance that the schedule will make: schedule time and window in Unix seconds, when it may start, why it will fail at once."""

    schedule_time: int
    window: Interval
    start_us: int
    problem: str | None

    def shown(self) -> dict[str, Any]:
        """For programs."""
        return {
            "scheduleTimeInMillis": self.schedule_time * 1_000,
            "from": self.window.start,
            "to": self.window.end,
            "startTimeInMillis": self.start_us // 1_000,
            "problem": self.problem,
        }


def coming_windows(task: Task, progress: Progress, within: Interval, count: int) -> Iterator[ComingWindow]:
    """The next instances with schedule times inside an interval, in order, ``count`` at most; however far the interval is away."""
    first = next_schedule_time(task, progress)
    if first is None:
        return
    span = Interval(max(first, within.start), min(task.range.end, within.end))
    coming = (at for at in task.rule.times(span, first) if at not in progress.taken)
    for at in islice(coming, count):
        yield ComingWindow(at, task.window_at(at), start_of(task, progress, at), task.window.problem_at(at, task.zone))


def shown_task(entry: TaskEntry) -> dict[str, Any]:
    """A task for programs: its configuration as it was given, and what the ledger knows of it; times in Unix seconds."""
    return {
        **{key: value for key, value in entry.task.document.items() if key not in READ_ONLY},
        "status": "ENABLED" if entry.enabled else "DISABLED",
        "scheduleId": entry.schedule_id,
        "createTime": entry.created_us // 1_000_000,
        "lastModifiedTime": entry.modified_us // 1_000_000,
    }


def schedule_text(task: Task) -> str:
    """``FixedRate 1m``, ``Cron 0/20 * * * *``, ``Daily 2:00``."""
    given = task.document["schedule"]
    kind = str(given["type"])
    if kind == "FixedRate":
        return f"{kind} {given['interval']}"
    if kind == "Cron":
        return f"{kind} {given['cronExpression']}"
    if kind == "Weekly":
        days = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
        return f"{kind} {days[int(given['dayOfWeek'])]} {given['hour']}:00"
    return f"{kind} {given['hour']}:00" if kind == "Daily" else kind


def destination_name(task: Task) -> str:
    """The store that rows go to, with its project when that is another one."""
    destination = task.destination
    if isinstance(destination, LogstoreDestination | MetricstoreDestination):
        name = destination.logstore if isinstance(destination, LogstoreDestination) else destination.metricstore
        return name if destination.project == task.project else f"{destination.project}/{name}"
    return destination.external_store


def moment_in(task: Task, moment_us: int | None) -> str | None:
    """In the task's zone, to the second."""
    return None if moment_us is None else format_moment(moment_us // 1_000_000, task.zone)
