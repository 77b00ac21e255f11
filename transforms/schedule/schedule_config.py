"""The ``schedule`` part of a task's configuration: the fields of its type, no others."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from transforms.core.errors import ParameterInvalid
from transforms.schedule.calendar import FixedRate, ScheduleRule, daily, hourly, weekly
from transforms.schedule.config_fields import Fields
from transforms.schedule.cron import parse_cron
from transforms.schedule.local_times import LocalTimes
from transforms.schedule.zone import DEFAULT_ZONE, schedule_zone

__all__ = ["SCHEDULE_TYPES", "Timing", "read_schedule"]

_FIELDS = {
    "FixedRate": ("interval",),
    "Hourly": ("timeZone",),
    "Daily": ("hour", "timeZone"),
    "Weekly": ("dayOfWeek", "hour", "timeZone"),
    "Cron": ("cronExpression", "timeZone"),
}
SCHEDULE_TYPES = tuple(_FIELDS)
_ALWAYS = ("type", "delay", "runImmediately", "fromTime", "toTime")
_OF_ANY = tuple(dict.fromkeys(field for fields in _FIELDS.values() for field in fields))
_LONGEST_INTERVAL = 366 * 86_400


@dataclass(frozen=True)
class Timing:
    """What the part says; ``rule`` is None when it has problems."""

    rule: ScheduleRule | None
    zone: dt.tzinfo
    delay: int


def read_schedule(fields: Fields, default_zone: str) -> Timing:
    """Read the part; problems are noted in its fields."""
    before = len(fields.problems)
    kind = fields.choice("type", SCHEDULE_TYPES)
    zone = _zone(fields, default_zone)
    delay = fields.whole("delay", 0, 120, 0, hint="a delay is from 0 to 120 seconds")
    fields.flag("runImmediately")
    rule = _rule(fields, kind, zone) if kind is not None else None
    known = _FIELDS.get(kind or "", _OF_ANY)
    for name in _OF_ANY:
        if name not in known and fields.has(name):
            takers = " and ".join(other for other in SCHEDULE_TYPES if name in _FIELDS[other])
            fields.refuse(name, f"a schedule of type {kind} has no {name}", f"leave it out: {name} belongs to {takers}")
    fields.finish((*_ALWAYS, *_OF_ANY))
    return Timing(rule if len(fields.problems) == before else None, zone, delay or 0)


def _zone(fields: Fields, default_zone: str) -> dt.tzinfo:
    text = fields.text("timeZone") or default_zone
    try:
        return schedule_zone(text)
    except ParameterInvalid as error:
        fields.refuse("timeZone", error.message, error.hint)
        return schedule_zone(DEFAULT_ZONE)


def _rule(fields: Fields, kind: str, zone: dt.tzinfo) -> ScheduleRule | None:
    if kind == "FixedRate":
        interval = fields.duration("interval")
        if interval is not None and interval > _LONGEST_INTERVAL:
            fields.refuse("interval", f"an interval of {interval // 86_400} days is too long", "an interval is at most 366 days")
        return FixedRate(interval) if interval is not None else None
    if kind == "Hourly":
        return hourly(zone)
    if kind == "Cron":
        return _cron(fields, zone)
    day = fields.whole("dayOfWeek", 0, 6, hint="Sunday is 0, Saturday is 6") if kind == "Weekly" else None
    hour = fields.whole("hour", 0, 23, hint="an hour is from 0 to 23")
    if hour is None or (kind == "Weekly" and day is None):
        return None
    return daily(hour, zone) if day is None else weekly(day, hour, zone)


def _cron(fields: Fields, zone: dt.tzinfo) -> ScheduleRule | None:
    text = fields.text("cronExpression", required=True)
    if text is None:
        return None
    try:
        return LocalTimes(parse_cron(text), zone)
    except ParameterInvalid as error:
        fields.refuse_nested("cronExpression", error)
        return None
