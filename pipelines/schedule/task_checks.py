"""What is said of a task before it runs: refused where its file is wrong, warned of what will fail. Imports no Beam."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.home import Home
from pipelines.schedule.task_file import read_task_file
from transforms.core.diagnostics import render_location
from transforms.core.errors import Location, LogsluiceError
from transforms.schedule.config_fields import Places
from transforms.schedule.problems import Problem
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task
from transforms.schedule.task_warnings import warnings_of

__all__ = ["checked_task", "render_problem", "script_warnings"]


def checked_task(home: Home, path: Path, project: str) -> tuple[Task, Sequence[Problem]]:
    """The task of a file, and what probably is not meant. Raises ParameterInvalid that says all that is wrong, with places."""
    document, places = read_task_file(path)
    task = read_task(document, project, places)
    return task, (*warnings_of(task), *script_warnings(home, task, places))


def script_warnings(home: Home, task: Task, places: Places) -> Sequence[Problem]:
    """Why instances would fail as things are now: the stores may be made later, so nothing of it refuses a task."""
    from pipelines.schedule.instance_plan import plan_window, target_of

    found: list[Problem] = []
    schedule_time = task.first_schedule_time()
    if schedule_time is not None:
        window = task.window_at(schedule_time)
        try:
            plan_window(home, task, schedule_time, window, window.end * 1_000_000)
        except LogsluiceError as error:
            found.append(_warning(error, _place(error, task, task.statement_at(schedule_time, window), places)))
    try:
        target_of(home, task)
    except LogsluiceError as error:
        key = "destLogstore" if places(("configuration", "destExternalStore")) is None else "destExternalStore"
        found.append(_warning(error, places(("configuration", key))))
    return found


def render_problem(problem: Problem) -> str:
    """``warning: what``, the place with a caret, ``hint: …``."""
    lines = [f"warning: {problem.message}"]
    if problem.location is not None:
        lines.append(render_location(problem.location))
    if problem.hint:
        lines.append(f"hint: {problem.hint}")
    return "\n".join(lines)


def _warning(error: LogsluiceError, place: Location | None) -> Problem:
    return Problem(f"instances will fail: {error.message}", error.hint, place)


def _place(error: LogsluiceError, task: Task, statement: str, places: Places) -> Location | None:
    """In the file, where the script stands there as it is; else in the statement."""
    inner = error.location
    if inner is None:
        # Without a place it is about a store: the script's own errors have one.
        return places(("configuration", "sourceLogstore")) if task.source in error.message else places(("configuration", "script"))
    outer = places(("configuration", "script"))
    if outer is None or statement != task.script:
        return inner
    at = outer.text.find(task.script.strip(), outer.start)
    if at < 0:
        return _in_block(inner, outer, task.script)
    shift = at - (len(task.script) - len(task.script.lstrip()))
    return Location(outer.text, shift + inner.start, shift + inner.end, outer.source)


def _in_block(inner: Location, outer: Location, script: str) -> Location:
    """Of a block of several lines: its lines are those of the script, each moved in by as much."""
    number = script.count("\n", 0, inner.start)
    line = script.split("\n")[number]
    at = outer.text.find(line, outer.start) if line.strip() else -1
    if at < 0:
        return inner
    column = inner.start - (script.rfind("\n", 0, inner.start) + 1)
    return Location(outer.text, at + column, at + min(len(line), column + inner.end - inner.start), outer.source)
