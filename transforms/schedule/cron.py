"""Cron expressions: ``minute hour day-of-month month day-of-week``; a minute is the finest step.

Each field is a comma list of ``*``, ``n``, ``a-b``, each with ``/step`` behind it if wanted; ``a/step`` goes from a to the end of the
field's range. Sunday is 0, and 7 as well. When both days are limited, a day counts that matches either of them.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from transforms.core.errors import Location, ParameterInvalid

__all__ = ["CronExpression", "parse_cron"]

_EPOCH = dt.date(1970, 1, 1).toordinal()
_DAYS_IN = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:(?P<all>\*)|(?P<low>[0-9]{1,4})(?:-(?P<high>[0-9]{1,4}))?)(?:/(?P<step>[0-9]{1,4}))?")
_FORM = "five fields: minute, hour, day of month, month, day of week, such as '0/10 * * * *'"


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12),
    _Field("day of week", 0, 7),
)


@dataclass(frozen=True)
class CronExpression:
    """The local times it names. Minutes and hours rise; weekdays count from Sunday = 0."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @property
    def every_hour(self) -> bool:
        """Whether no hour is left out, so that it keeps a pace rather than naming times of the day."""
        return len(self.hours) == 24

    def on_day(self, day: int) -> bool:
        """Whether a day counts, given as days since 1970-01-01."""
        date = dt.date.fromordinal(day + _EPOCH)
        if date.month not in self.months:
            return False
        by_month, by_week = date.day in self.days, date.isoweekday() % 7 in self.weekdays
        if len(self.days) < 31 and len(self.weekdays) < 7:
            return by_month or by_week
        return by_month and by_week


def parse_cron(text: str, source: str = "cronExpression") -> CronExpression:
    """Read an expression. Raises ParameterInvalid with the place of the field that is wrong."""
    words = list(re.finditer(r"\S+", text))
    if len(words) != len(_FIELDS):
        hint = "leave out the seconds: a minute is the finest step" if len(words) == 6 else f"write {_FORM}"
        location = Location(text, 0, max(1, len(text)), source)
        raise ParameterInvalid(f"a cron expression has five fields, this one {len(words)}", hint=hint, location=location)
    found = [_values(field, word, text, source) for field, word in zip(_FIELDS, words, strict=True)]
    minutes, hours, days, months, weekdays = found
    weekdays = {day % 7 for day in weekdays}
    if len(weekdays) == 7 and min(days) > max(_DAYS_IN[month - 1] for month in months):
        location = Location(text, words[2].start(), words[3].end(), source)
        raise ParameterInvalid("there is no such day in any year", hint="choose a day that the month has", location=location)
    return CronExpression(
        text, tuple(sorted(minutes)), tuple(sorted(hours)), frozenset(days), frozenset(months), frozenset(weekdays)
    )  # fmt: skip


def _values(field: _Field, word: re.Match[str], text: str, source: str) -> set[int]:
    values: set[int] = set()
    at = word.start()
    for part in word[0].split(","):
        try:
            values |= _part(field, part)
        except ValueError as error:
            message, hint = error.args
            raise ParameterInvalid(message, hint=hint, location=Location(text, at, at + max(1, len(part)), source)) from None
        at += len(part) + 1
    return values


def _part(field: _Field, part: str) -> set[int]:
    """Raises ValueError(message, hint)."""
    range_text = f"{field.low} to {field.high}"
    match = _PART.fullmatch(part)
    if match is None:
        hint = "write * for any" if part == "?" else f"write *, a number from {range_text}, a range a-b, or one of them with /step"
        raise ValueError(f"{part!r} is no {field.name}", hint)
    # A week ends with Saturday: only the number 7 itself means the Sunday after it.
    last = 6 if field.name == "day of week" else field.high
    low = field.low if match["all"] else int(match["low"])
    high = int(match["high"]) if match["high"] else max(last, low) if match["all"] or match["step"] else low
    for value in (low, high):
        if not field.low <= value <= field.high:
            raise ValueError(f"the {field.name} {value} is out of range", f"write a number from {range_text}")
    if low > high:
        raise ValueError(f"the range {part!r} runs backwards", f"write it as two ranges: {low}-{last},{field.low}-{high}")
    step = int(match["step"] or 1)
    if step == 0:
        raise ValueError(f"the step of {part!r} is 0", "a step is at least 1")
    return set(range(low, high + 1, step))
