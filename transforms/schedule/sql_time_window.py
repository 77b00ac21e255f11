"""The SQL window of an instance: two expressions that count from its schedule time, such as ``@m-15m`` and ``@m``.

An expression is a row of steps, taken from left to right: ``+`` or ``-`` with a number and a unit shifts (the number may be left out:
``-h`` is ``-1h``), ``@`` with a unit rounds down to a whole one. The units are h, m and s; blanks mean nothing; the empty expression is
the schedule time itself. All of it is whole-number arithmetic on Unix seconds, so a window is as long on the day the clocks change as
on any other, and hours are rounded as they stand in zones of whole hours.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from transforms.core.errors import Location, ParameterInvalid
from transforms.core.interval import Interval
from transforms.core.moments import format_moment
from transforms.core.suggest import suggestion

__all__ = ["LONGEST", "SHORTEST", "SqlTimeWindow", "WindowExpression", "length_text", "parse_expression"]

SHORTEST, LONGEST = 60, 86_400
"""How short and how long a window may be, in seconds."""

_UNITS = {"h": 3_600, "m": 60, "s": 1, "hour": 3_600, "minute": 60, "second": 1}
_FORM = "steps such as -15m (shift) or @h (round down), with the units h, m and s"
_MOST_DIGITS = 9
_TOKEN = re.compile(r"\s*(?:(?P<sign>[+-])\s*(?P<number>[0-9]*)|(?P<round>@))\s*(?P<unit>[^\W\d_]*)\s*")


@dataclass(frozen=True)
class WindowExpression:
    """A parsed expression; ``steps`` are (``shift`` | ``round``, seconds)."""

    text: str
    steps: tuple[tuple[str, int], ...]

    def at(self, schedule_time: int) -> int:
        """The moment it names for a schedule time, both Unix seconds."""
        value = schedule_time
        for kind, seconds in self.steps:
            value = value + seconds if kind == "shift" else value - value % seconds
        return value


@dataclass(frozen=True)
class SqlTimeWindow:
    """Both ends of the windows of a task."""

    start: WindowExpression
    end: WindowExpression

    def at(self, schedule_time: int) -> Interval:
        """The window ``[from, to)`` in Unix seconds. It may be empty, upside down or too long: see `problem_at`."""
        return Interval(self.start.at(schedule_time), self.end.at(schedule_time))

    def problem_at(self, schedule_time: int, zone: dt.tzinfo = dt.UTC) -> str | None:
        """Why there can be no such window at a schedule time, or None; the zone is the one that times are shown in."""
        window = self.at(schedule_time)
        length = window.end - window.start
        when = f"at the schedule time {format_moment(schedule_time, zone)} the window"
        if length <= 0:
            start, end = (format_moment(edge, zone) for edge in (window.start, window.end))
            return f"{when} is empty: it begins at {start} and ends at {end}"
        if length < SHORTEST:
            return f"{when} is {length_text(length)} long, shorter than a minute"
        if length > LONGEST:
            return f"{when} is {length_text(length)} long, longer than 24 hours"
        return None


def parse_expression(text: str, source: str = "window expression") -> WindowExpression:
    """Read an expression. Raises ParameterInvalid with the place of the first step that is none."""
    steps: list[tuple[str, int]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _no_step(text, at, source)
        unit = match["unit"]
        if unit not in _UNITS:
            raise _no_unit(text, match, source)
        number = match["number"] or "1"
        if len(number) > _MOST_DIGITS:
            place = Location(text, match.start("number"), match.end("number"), source)
            raise ParameterInvalid("the number is too large", hint="a window lies within 24 hours", location=place)
        if match["round"]:
            steps.append(("round", _UNITS[unit]))
        else:
            steps.append(("shift", int(match["sign"] + number) * _UNITS[unit]))
        at = match.end()
    return WindowExpression(text, tuple(steps))


def length_text(seconds: int) -> str:
    """``1h 30m``, ``45s``."""
    parts = ((seconds // 3_600, "h"), (seconds % 3_600 // 60, "m"), (seconds % 60, "s"))
    return " ".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def _no_step(text: str, at: int, source: str) -> ParameterInvalid:
    start = at + len(text[at:]) - len(text[at:].lstrip())
    word = re.match(r"\w+|.", text[start:], re.DOTALL)
    end = start + (word.end() if word else 1)
    hint = "leave it out: an expression counts from the schedule time" if text[start:end] == "now" else f"an expression has {_FORM}"
    return ParameterInvalid(
        f"{text[start:end]!r} is no step of a window expression", hint=hint, location=Location(text, start, end, source)
    )


def _no_unit(text: str, match: re.Match[str], source: str) -> ParameterInvalid:
    unit = match["unit"]
    if not unit:
        return ParameterInvalid(
            f"{match[0].strip()!r} has no unit",
            hint=f"an expression has {_FORM}",
            location=Location(text, match.start(), match.end(), source),
        )
    hint = "there is no unit for days: write 24h" if unit in ("d", "day", "days") else suggestion(unit, _UNITS, "unit")
    return ParameterInvalid(f"unknown unit {unit!r}", hint=hint, location=Location(text, match.start("unit"), match.end("unit"), source))
