"""Variables that a task's script may hold: they are replaced, as plain text, before the statement is read."""

from __future__ import annotations

import re

from transforms.core.interval import Interval
from transforms.core.suggest import nearest

__all__ = ["VARIABLES", "fill_variables", "mistyped_variables"]

VARIABLES = ("__TASK_SQL_START_TS__", "__TASK_SQL_END_TS__", "__TASK_SCHEDULED_TS__")
"""The window's start, its end, and the schedule time, all in Unix seconds."""

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_LIKE_ONE = re.compile(r"\{\{(\s*\w+\s*)\}\}")


def fill_variables(script: str, window: Interval, schedule_time: int) -> str:
    """The script of one instance. Names that are not known stay as they are."""
    values = dict(zip(VARIABLES, (window.start, window.end, schedule_time), strict=True))
    return _VARIABLE.sub(lambda match: str(values[match[1]]) if match[1] in values else match[0], script)


def mistyped_variables(script: str) -> list[tuple[int, int, str]]:
    """(start, end, the name that may be meant) of what looks like a variable and is none; blanks inside the braces are part of the name."""
    found = []
    for match in _LIKE_ONE.finditer(script):
        meant = nearest(match[1].strip(), VARIABLES)
        if match[1] not in VARIABLES and meant is not None:
            found.append((match.start(1), match.end(1), meant))
    return found
