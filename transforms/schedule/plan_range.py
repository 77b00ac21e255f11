"""From when until when a task has schedule times, as its configuration says it."""

from __future__ import annotations

import datetime as dt

from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.core.moments import parse_moment
from transforms.schedule.config_fields import Fields
from transforms.schedule.local_times import LAST_MOMENT

__all__ = ["read_range"]

_EARLIEST = 1_451_577_601


def read_range(schedule: Fields, configuration: Fields, zone: dt.tzinfo) -> Interval | None:
    """The plan's range; ``schedule`` may hold the same two fields, as older clients write them."""
    moments: list[int | None] = []
    for name in ("fromTime", "toTime"):
        older, newer = _moment(schedule, name, zone), _moment(configuration, name, zone)
        if older is not None and newer is not None and older != newer:
            schedule.refuse(name, f"schedule.{name} and configuration.{name} differ", "leave out the one in schedule")
        moments.append(older if newer is None else newer)
    start, end = moments
    if start is None:
        if not configuration.has("fromTime") and not schedule.has("fromTime"):
            configuration.refuse(
                "fromTime", "configuration.fromTime is missing", "the first possible schedule time, such as 2026-11-22T00:00:00Z"
            )
        return None
    where = configuration if configuration.has("fromTime") else schedule
    if not _EARLIEST <= start < LAST_MOMENT:
        where.refuse(
            "fromTime",
            f"{where.called('fromTime')} is {where.raw('fromTime')}",
            "a time after 2016-01-01 00:00:00 +0800, in Unix seconds or ISO 8601",
        )
        return None
    where = configuration if configuration.has("toTime") else schedule
    if end and not start < end <= LAST_MOMENT:
        where.refuse("toTime", f"{where.called('toTime')} is {where.raw('toTime')}, which is not after fromTime", "0 leaves the end open")
        return None
    return Interval(start, end or LAST_MOMENT)


def _moment(fields: Fields, name: str, zone: dt.tzinfo) -> int | None:
    """Unix seconds, as a number or as an ISO 8601 time (without an offset: in the schedule's zone)."""
    value = fields.raw(name)
    if not isinstance(value, str) or value.strip().isdecimal():
        return fields.whole(name, 0, LAST_MOMENT) if value is not None else None
    if value.strip() == "now" or value.strip()[:1] in ("-", "+"):
        fields.refuse(
            name, f"{fields.called(name)} is {value!r}, which moves with the clock", "write a moment such as 2026-11-22T00:00:00Z"
        )
        return None
    try:
        return parse_moment(value, 0, zone)
    except ParameterInvalid:
        fields.refuse(name, f"{fields.called(name)} is {value!r}, which is no time", "write Unix seconds, or 2026-11-22T00:00:00Z")
        return None
