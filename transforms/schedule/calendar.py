"""Schedule times: the rules that yield them, one after another, forwards and backwards, however far that is."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from transforms.core.interval import Interval
from transforms.schedule.cron import parse_cron
from transforms.schedule.local_times import LAST_MOMENT, LocalTimes

__all__ = ["LAST_MOMENT", "FixedRate", "LocalTimes", "ScheduleRule", "daily", "hourly", "weekly"]


class ScheduleRule(Protocol):
    """Yields schedule times, Unix seconds. An *anchor* is a schedule time, or the beginning of the plan."""

    def first(self, start: int) -> int | None:
        """The first schedule time of a plan that begins at ``start``; None when there is none before the end of the calendar."""
        ...

    def following(self, schedule_time: int) -> int | None:
        """The one after a schedule time."""
        ...

    @property
    def cycle(self) -> int:
        """After how many schedule times every place inside an hour that ever comes has come."""
        ...

    def times(self, within: Interval, anchor: int) -> Iterator[int]:
        """Those inside an interval, rising; not only those after the anchor."""
        ...

    def times_back(self, within: Interval, anchor: int) -> Iterator[int]:
        """The same, falling."""
        ...


@dataclass(frozen=True)
class FixedRate:
    """Every ``interval`` seconds, counted from the anchor."""

    interval: int

    def first(self, start: int) -> int | None:
        return start if start < LAST_MOMENT else None

    def following(self, schedule_time: int) -> int | None:
        return self.first(schedule_time + self.interval)

    @property
    def cycle(self) -> int:
        return 3_600 // math.gcd(3_600, self.interval)

    def times(self, within: Interval, anchor: int) -> Iterator[int]:
        at = anchor - (anchor - within.start) // self.interval * self.interval
        while at < min(within.end, LAST_MOMENT):
            yield at
            at += self.interval

    def times_back(self, within: Interval, anchor: int) -> Iterator[int]:
        at = anchor + (min(within.end, LAST_MOMENT) - 1 - anchor) // self.interval * self.interval
        while at >= within.start:
            yield at
            at -= self.interval


def hourly(zone: dt.tzinfo) -> LocalTimes:
    """Every full hour."""
    return LocalTimes(parse_cron("0 * * * *"), zone)


def daily(hour: int, zone: dt.tzinfo) -> LocalTimes:
    """Every day at a full hour."""
    return LocalTimes(parse_cron(f"0 {hour} * * *"), zone)


def weekly(day_of_week: int, hour: int, zone: dt.tzinfo) -> LocalTimes:
    """Every week at a full hour of a day; Sunday is 0."""
    return LocalTimes(parse_cron(f"0 {hour} * * {day_of_week}"), zone)
