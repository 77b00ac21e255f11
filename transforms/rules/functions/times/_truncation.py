"""Beginnings of units of time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from transforms.rules.kinds import Kind, choice_of
from transforms.rules.values import as_text

__all__ = ["Truncation"]


def _to_minute(moment: dt.datetime, minutes: int = 1) -> dt.datetime:
    return moment.replace(minute=moment.minute // minutes * minutes, second=0, microsecond=0)


def _to_day(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _to_month(moment: dt.datetime, months: int = 1) -> dt.datetime:
    return _to_day(moment).replace(month=(moment.month - 1) // months * months + 1, day=1)


def _to_week(moment: dt.datetime) -> dt.datetime:
    return _to_day(moment) - dt.timedelta(days=moment.weekday())


_UNITS: dict[str, Callable[[dt.datetime], dt.datetime]] = {
    "second": lambda moment: moment.replace(microsecond=0),
    "minute": _to_minute,
    "hour": partial(_to_minute, minutes=60),
    "day": _to_day,
    "week": _to_week,
    "month": _to_month,
    "quarter": partial(_to_month, months=3),
    "half_year": partial(_to_month, months=6),
    "year": partial(_to_month, months=12),
}
_UNIT = choice_of("unit", (*_UNITS, "N_minute"))
_MINUTES = re.compile(r"([0-9]{1,4})_minutes?")


def _truncation(value: Any) -> Callable[[dt.datetime], dt.datetime]:
    text = as_text(value).lower()
    match = _MINUTES.fullmatch(text)
    if match is None:
        if text == "n_minute":
            raise ValueError("N_minute stands for a number of minutes, such as 5_minute")
        return _UNITS[_UNIT.convert(text)]
    if not int(match[1]):
        raise ValueError("0_minute is no unit: at least 1_minute")
    return partial(_to_minute, minutes=int(match[1]))


Truncation = Annotated[Any, Kind("a unit of time", _truncation)]
