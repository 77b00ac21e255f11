"""Changing a task: what may change while its instances stay what they are."""

from __future__ import annotations

from transforms.schedule.problems import Problem, refusal
from transforms.schedule.task import Task

__all__ = ["check_edit"]

_ANEW = "delete the task and create another one"


def check_edit(before: Task, after: Task, *, has_instances: bool) -> None:
    """Raises ParameterInvalid, with all that is wrong, when a task cannot become another.

    Every other change holds for the instances that are made from then on; those that were made keep their schedule times and windows.
    """
    problems: list[Problem] = []
    if (before.project, before.name) != (after.project, after.name):
        problems.append(Problem("the name of a task cannot be changed", _ANEW))
    if before.source != after.source:
        problems.append(Problem("configuration.sourceLogstore cannot be changed", _ANEW))
    if before.data_format != after.data_format:
        problems.append(Problem("configuration.dataFormat cannot be changed", _ANEW))
    if has_instances and before.from_time != after.from_time:
        problems.append(Problem("configuration.fromTime cannot be changed once there are instances", "older windows are run by a backfill"))
    if problems:
        raise refusal(problems)
