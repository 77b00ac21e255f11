"""Changing a task: what may change while its instances stay what they are."""

from __future__ import annotations

from itertools import islice

from transforms.core.interval import Interval
from transforms.schedule.problems import Problem, refusal
from transforms.schedule.task import Task

__all__ = ["check_edit"]

_ANEW = "delete the task and create another one"


def check_edit(before: Task, after: Task, last: int | None) -> None:
    """Raises ParameterInvalid, with all that is wrong, when a task cannot become another.

    ``last`` is the schedule time of the last instance that the schedule made, None before the first. Every other change holds for the
    instances that are made from then on; those that were made keep their schedule times and windows.
    """
    problems: list[Problem] = []
    if (before.project, before.name) != (after.project, after.name):
        problems.append(Problem("the name of a task cannot be changed", _ANEW))
    if before.source != after.source:
        problems.append(Problem("configuration.sourceLogstore cannot be changed", _ANEW))
    if before.data_format != after.data_format:
        problems.append(Problem("configuration.dataFormat cannot be changed", _ANEW))
    if last is not None and before.from_time != after.from_time:
        problems.append(Problem("configuration.fromTime cannot be changed once there are instances", "older windows are run by a backfill"))
    if last is not None:
        problems += _windows(after, last)
    if problems:
        raise refusal(problems)


def _windows(after: Task, last: int) -> list[Problem]:
    """A fixed rate goes on from the last schedule time, so its windows may lie elsewhere in the hour than those of a new task."""
    coming = after.schedule_time_after(last)
    times = () if coming is None else islice(after.rule.times(Interval(coming, after.range.end), coming), after.rule.cycle)
    found = next((problem for at in times if (problem := after.window.problem_at(at, after.zone)) is not None), None)
    return [] if found is None else [Problem(found, "a window is from a minute to 24 hours long")]
