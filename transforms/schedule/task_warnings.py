"""What is allowed and probably not meant: windows that leave holes, overlap, or are out of step with the interval."""

from __future__ import annotations

from itertools import islice, pairwise

from transforms.core.interval import Interval
from transforms.core.moments import format_moment
from transforms.schedule.calendar import FixedRate
from transforms.schedule.destinations import TableDestination
from transforms.schedule.local_times import LocalTimes
from transforms.schedule.problems import Problem
from transforms.schedule.script_variables import mistyped_variables
from transforms.schedule.sql_time_window import length_text
from transforms.schedule.task import Task
from transforms.schedule.zone import is_fixed

__all__ = ["warnings_of"]

_YEAR = 366 * 86_400
_MOST_PAIRS = 2_000


def warnings_of(task: Task) -> tuple[Problem, ...]:
    """Warnings about a valid task, in no order of importance."""
    steps = _holes_and_overlaps(task)
    found = [*steps.values(), *_destination(task, overlap="overlap" in steps)]
    for _, _, meant in mistyped_variables(task.script):
        found.append(Problem("the script holds what looks like a variable and is none", f"did you mean {{{{{meant}}}}}?"))
    if isinstance(task.rule, FixedRate):
        window = task.window_at(task.from_time)
        if window.end - window.start > 5 * task.rule.interval:
            length = length_text(window.end - window.start)
            found.append(
                Problem(
                    f"a window of {length} is longer than five intervals of {length_text(task.rule.interval)}",
                    "logs are counted many times",
                )
            )
    return tuple(found)


def _holes_and_overlaps(task: Task) -> dict[str, Problem]:
    """The first hole and the first overlap within a year, if the plan has one: clocks change twice a year."""
    first = task.first_schedule_time()
    if first is None:
        return {}
    within = Interval(first, min(task.range.end, first + _YEAR))
    found: dict[str, Problem] = {}
    for before, after in pairwise(islice(task.rule.times(within, first), _MOST_PAIRS)):
        gap = task.window_at(after).start - task.window_at(before).end
        kind = "hole" if gap > 0 else "overlap"
        if gap and kind not in found:
            found[kind] = _step_problem(task, kind, abs(gap), after)
    return found


def _step_problem(task: Task, kind: str, seconds: int, schedule_time: int) -> Problem:
    at = format_moment(schedule_time, task.zone)
    clocks = isinstance(task.rule, LocalTimes) and not is_fixed(task.zone)
    hint = (
        "the clocks change there: use FixedRate, or a zone without daylight saving" if clocks else "let the window be as long as the step"
    )
    if kind == "hole":
        return Problem(f"windows leave a hole of {length_text(seconds)} before the one of {at}: its logs are in no result", hint)
    return Problem(f"windows overlap by {length_text(seconds)} at the one of {at}: its logs are in two results", hint)


def _destination(task: Task, *, overlap: bool) -> list[Problem]:
    to = task.destination
    if not isinstance(to, TableDestination):
        return []
    if not to.replaces:
        message = "rows of an instance cannot be found again in the table, so one that succeeded cannot run again"
        return [Problem(message, "set keyColumns, windowColumn or instanceColumn in parameters")]
    if to.window_column and overlap:
        message = f"windows overlap, and {to.window_column!r} finds the rows of a window: an instance replaces rows of its neighbours"
        return [Problem(message, "let the window be as long as the step, or set instanceColumn")]
    return []
