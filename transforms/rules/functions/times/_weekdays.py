"""Days of the week that a time is moved to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any

from transforms.rules.functions.times._strftime import DAYS
from transforms.rules.kinds import Kind
from transforms.rules.values import kind_of

__all__ = ["Weekday", "WeekdayShift"]


@dataclass(frozen=True)
class WeekdayShift:
    """The ``number``-th such day of the week on or after a day, or on or before it if negative. ``weekday``: 0 = Monday."""

    weekday: int
    number: int

    @staticmethod
    def of(weekday: int, number: int) -> WeekdayShift:
        """Raises ValueError for number 0."""
        if number == 0:
            raise ValueError(f"0 is no {DAYS[weekday]}: 1 is the first on or after the day, -1 the first on or before it")
        return WeekdayShift(weekday, number)

    def move(self, moment: dt.datetime) -> dt.datetime:
        """The moment on that day, at the same clock time. Raises OverflowError outside the calendar."""
        if self.number > 0:
            days = (self.weekday - moment.weekday()) % 7 + 7 * (self.number - 1)
        else:
            days = -((moment.weekday() - self.weekday) % 7) + 7 * (self.number + 1)
        return moment + dt.timedelta(days=days)


def _weekday(value: Any) -> WeekdayShift:
    if isinstance(value, WeekdayShift):
        return value
    raise TypeError(f"weekday takes dt_MO(1) and its siblings, not {kind_of(value)}")


Weekday = Annotated[WeekdayShift, Kind("dt_MO(n) … dt_SU(n)", _weekday)]
