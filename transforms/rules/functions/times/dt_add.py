"""dt_add"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import AnyMoment
from transforms.rules.functions.times._moments import as_moment
from transforms.rules.functions.times._weekdays import Weekday
from transforms.rules.kinds import Integer

Amount = Integer | None
_RANGES = {
    "year": (1, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59), "microsecond": (0, 999_999),
}  # fmt: skip
_FEW = 1_000_000
_MOST = 10**15
"""Of any unit; more leaves the calendar anyway."""


@expression(
    "times",
    parameters={
        "value": "The time to move: a Datetime, the text of a time, or Unix seconds.",
        "dt1": "With dt2: their difference in years, months, days and clock time is added.",
        "dt2": "The time that is subtracted from dt1.",
        "years": "Years to add.",
        "year": "The year to set.",
        "months": "Months to add; the day is moved back to the last of a shorter month.",
        "month": "The month to set.",
        "days": "Days to add.",
        "day": "The day of the month to set.",
        "hours": "Hours to add.",
        "hour": "The hour to set.",
        "minutes": "Minutes to add.",
        "minute": "The minute to set.",
        "seconds": "Seconds to add.",
        "second": "The second to set.",
        "microseconds": "Microseconds to add.",
        "microsecond": "The microsecond to set.",
        "weeks": "Weeks to add.",
        "week": "Weeks to add, like weeks.",
        "weekday": "The day of the week to move to in the end, such as dt_MO(1).",
    },
    examples=[
        Example('dt_add(v("time"), months=1)', {"time": "2019-01-31 02:03:04"}, dt.datetime(2019, 2, 28, 2, 3, 4)),
        Example('dt_add(v("time"), year=2018, days="-1")', {"time": "2019-06-04 2:41:26"}, dt.datetime(2018, 6, 3, 2, 41, 26)),
        Example(
            'dt_add(v("time"), dt1=v("a"), dt2=v("b"))',
            {"time": "2018-10-10 1:2:3", "a": "2018-11-3 11:12:13", "b": "2018-10-1 10:10:10"},
            dt.datetime(2018, 11, 12, 2, 4, 6),
        ),
        Example('dt_add("2019-06-04", weekday=dt_MO(1))', {}, dt.datetime(2019, 6, 10)),
        Example('dt_add("2019-06-04", hour=24)', {}, error="hour is from 0 to 23, not 24"),
        Example('dt_add("2019-06-04", years=8000)', {}, error="year 10019 is out of range"),
    ],
)
def dt_add(
    context: Context, value: AnyMoment, dt1: AnyMoment | None = None, dt2: AnyMoment | None = None,
    year: Amount = None, years: Amount = None, month: Amount = None, months: Amount = None, day: Amount = None, days: Amount = None,
    hour: Amount = None, hours: Amount = None, minute: Amount = None, minutes: Amount = None,
    second: Amount = None, seconds: Amount = None, microsecond: Amount = None, microseconds: Amount = None,
    week: Amount = None, weeks: Amount = None, weekday: Weekday | None = None,
) -> dt.datetime:  # fmt: skip
    """Moves a time.

    First the difference of ``dt1`` and ``dt2`` is added, if both are given. Then parameters in the singular replace a part of the time and
    those in the plural add to it; a day that a month does not have becomes the last one it has. The move to a day of the week comes last.
    Hours and smaller units move the clock, so that a change to summer time in between does not count.
    """
    moment = as_moment(value, None, context.clock)
    if dt1 is not None and dt2 is not None:
        from dateutil.relativedelta import relativedelta

        moment = moment + relativedelta(*_comparable(as_moment(dt1, None, context.clock), as_moment(dt2, None, context.clock)))
    if year is years is month is months is day is hour is minute is second is microsecond is None and weekday is None:
        moves = (days, hours, minutes, seconds, microseconds, week, weeks)
        if all(number is None or -_FEW < number < _FEW for number in moves):
            # What nearly every rule asks for is plain arithmetic.
            return moment + dt.timedelta(
                days or 0, seconds or 0, microseconds or 0, 0, minutes or 0, hours or 0, (week or 0) + (weeks or 0)
            )
    parts = {"year": year, "month": month, "day": day, "hour": hour, "minute": minute, "second": second, "microsecond": microsecond}
    steps = {
        "years": years,
        "months": months,
        "days": days,
        "hours": hours,
        "minutes": minutes,
        "seconds": seconds,
        "microseconds": microseconds,
    }
    steps["weeks"] = (week or 0) + (weeks or 0)
    _check(parts.items(), steps.items())
    from dateutil.relativedelta import relativedelta

    moved: dt.datetime = moment + relativedelta(**{name: number for name, number in (*parts.items(), *steps.items()) if number is not None})
    return moved if weekday is None else weekday.move(moved)


def _comparable(first: dt.datetime, second: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Both with or both without an offset; without one a time is in UTC."""
    if (first.tzinfo is None) == (second.tzinfo is None):
        return first, second
    return (first if first.tzinfo else first.replace(tzinfo=dt.UTC)), (second if second.tzinfo else second.replace(tzinfo=dt.UTC))


def _check(parts: Iterable[tuple[str, Any]], steps: Iterable[tuple[str, Any]]) -> None:
    for name, number in parts:
        lowest, highest = _RANGES[name]
        if number is not None and not lowest <= number <= highest:
            raise ValueError(f"{name} is from {lowest} to {highest}, not {number if abs(number) < _MOST else 'that much'}")
    for name, number in steps:
        if number is not None and abs(number) > _MOST:
            raise ValueError(f"more than {_MOST:,} {name} cannot be added")
