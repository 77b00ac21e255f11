"""Properties of a moment by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from transforms.rules.functions.times._strftime import DAYS, MONTHS, week_from_monday, week_from_sunday
from transforms.rules.kinds import Kind, choice_of

__all__ = ["PROPERTIES", "Property"]

PROPERTIES: dict[str, Callable[[dt.datetime], int | str]] = {
    "year": lambda moment: moment.year,
    "month": lambda moment: moment.month,
    "day": lambda moment: moment.day,
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: moment.second,
    "microsecond": lambda moment: moment.microsecond,
    "weekday": lambda moment: moment.weekday(),
    "dayofweek": lambda moment: moment.weekday(),
    "weekdayname": lambda moment: DAYS[moment.weekday()],
    "weekdayshortname": lambda moment: DAYS[moment.weekday()][:3],
    "monthname": lambda moment: MONTHS[moment.month - 1],
    "monthshortname": lambda moment: MONTHS[moment.month - 1][:3],
    "dayofyear": lambda moment: moment.timetuple().tm_yday,
    "weekofyear": week_from_sunday,
    "weekofyear_m": week_from_monday,
    "weekofmonth": lambda moment: (moment.day - 1) // 7 + 1,
    "tzname": lambda moment: moment.tzname() or "",
}

_NAME = choice_of("name", tuple(PROPERTIES))


def _property(value: Any) -> Callable[[dt.datetime], int | str]:
    return PROPERTIES[_NAME.convert(value)]


Property = Annotated[Callable[[dt.datetime], int | str], Kind("the name of a property", _property)]
