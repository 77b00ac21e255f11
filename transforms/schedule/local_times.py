"""Schedule times by the clock: the local times of a cron expression in a zone, also where the clocks change.

* A local time that is skipped counts at the moment it would have come had the clocks not changed; if that moment is named anyway, once.
* A local time that comes twice counts the first time, but both times when the rule leaves out no hour: such a rule keeps a pace.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from transforms.core.interval import Interval
from transforms.schedule.cron import CronExpression
from transforms.schedule.zone import is_fixed, offset_at

__all__ = ["LAST_MOMENT", "LocalTimes"]

LAST_MOMENT = 253_370_764_800
"""The year 9999, in Unix seconds: no schedule time is there or later."""

_DAY = 86_400


@dataclass(frozen=True)
class LocalTimes:
    """The local times of a cron expression in a zone."""

    cron: CronExpression
    zone: dt.tzinfo
    _seconds: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seconds = tuple(hour * 3_600 + minute * 60 for hour in self.cron.hours for minute in self.cron.minutes)
        object.__setattr__(self, "_seconds", seconds)

    def first(self, start: int) -> int | None:
        return next(self.times(Interval(start, LAST_MOMENT), start), None)

    def following(self, schedule_time: int) -> int | None:
        return self.first(schedule_time + 1)

    @property
    def cycle(self) -> int:
        return len(self.cron.minutes)

    def times(self, within: Interval, anchor: int) -> Iterator[int]:  # noqa: ARG002 - the clock needs no anchor
        day, last = self._day_of(within.start), self._day_of(min(within.end, LAST_MOMENT) - 1)
        for one in range(day, last + 1):
            yield from (moment for moment in self._moments(one) if within.start <= moment < within.end)

    def times_back(self, within: Interval, anchor: int) -> Iterator[int]:  # noqa: ARG002
        day, last = self._day_of(within.start), self._day_of(min(within.end, LAST_MOMENT) - 1)
        for one in range(last, day - 1, -1):
            yield from (moment for moment in reversed(self._moments(one)) if within.start <= moment < within.end)

    def _day_of(self, moment: int) -> int:
        """The local day whose moments (see `_moments`) a moment is among."""
        day = (moment + 2 * _DAY) // _DAY
        while _midnight(self.zone, day) > moment:
            day -= 1
        return day

    def _moments(self, day: int) -> tuple[int, ...]:
        """The schedule times from a day's first midnight up to the next day's."""
        if not any(self.cron.on_day(near) for near in (day - 1, day, day + 1)):
            return ()
        if is_fixed(self.zone) or _is_even(self.zone, day):
            midnight = _midnight(self.zone, day)
            return tuple(midnight + second for second in self._seconds) if self.cron.on_day(day) else ()
        return _uneven(self, day)

    def around_change(self, day: int) -> tuple[int, ...]:
        """As `_moments`, for days near a change of the clocks: each local time is looked up by itself."""
        found: set[int] = set()
        for near in (day - 1, day, day + 1):
            for second in self._seconds if self.cron.on_day(near) else ():
                local = near * _DAY + second
                first, again = offset_at(self.zone, local), offset_at(self.zone, local, fold=1)
                found.add(local - first)
                # The offset falls where a time is shown twice; where one is skipped it rises.
                if self.cron.every_hour and again < first:
                    found.add(local - again)
        low, high = _midnight(self.zone, day), _midnight(self.zone, day + 1)
        return tuple(sorted(moment for moment in found if low <= moment < high))


@lru_cache(maxsize=4_096)
def _midnight(zone: dt.tzinfo, day: int) -> int:
    """When a local day begins: the first time that its midnight is shown, or would have been."""
    return day * _DAY - offset_at(zone, day * _DAY)


def _is_even(zone: dt.tzinfo, day: int) -> bool:
    """Whether no clock changes from the day before to the day after."""
    start = _midnight(zone, day - 1)
    return all(_midnight(zone, day - 1 + days) - start == days * _DAY for days in (1, 2, 3))


@lru_cache(maxsize=64)
def _uneven(rule: LocalTimes, day: int) -> tuple[int, ...]:
    return rule.around_change(day)
