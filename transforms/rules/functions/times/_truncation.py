"""Beginnings of units of time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
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


_EVERY = {"second": "1s", "minute": "1m", "hour": "1h", "day": "1d", "month": "1mo", "quarter": "1q", "year": "1y"}


@dataclass(frozen=True)
class Unit:
    """A unit by its name: ``begin`` rounds a Datetime down; ``every`` is the column engine's word for the unit, None = it has none."""

    begin: Callable[[dt.datetime], dt.datetime]
    every: str | None


def _truncation(value: Any) -> Unit:
    if isinstance(value, Unit):
        return value
    text = as_text(value).lower()
    match = _MINUTES.fullmatch(text)
    if match is None:
        if text == "n_minute":
            raise ValueError("N_minute stands for a number of minutes, such as 5_minute")
        return Unit(_UNITS[_UNIT.convert(text)], _EVERY.get(text))
    if not int(match[1]):
        raise ValueError("0_minute is no unit: at least 1_minute")
    minutes = int(match[1])
    return Unit(partial(_to_minute, minutes=minutes), None if 60 % minutes else f"{minutes}m")


Truncation = Annotated[Any, Kind("a unit of time", _truncation)]
