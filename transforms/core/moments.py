"""Moments and zones as users write them: ``1700000000``, ``2026-11-22T08:00:00Z``, ``2026-11-22 08:00``, ``now``, ``-15m``."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from functools import lru_cache

from transforms.core.errors import ParameterInvalid

__all__ = ["format_moment", "parse_moment", "parse_zone"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")
_HINT = "use Unix seconds, an ISO 8601 time such as 2026-11-22T08:00:00+08:00, 'now', or a time ago such as -15m, -2h, -1d"


@lru_cache(maxsize=64)
def parse_zone(text: str) -> dt.tzinfo:
    """A zone by IANA name (``Asia/Shanghai``), ``UTC`` or offset (``+08:00``)."""
    if text.upper() in ("UTC", "Z"):
        return dt.UTC
    match = _OFFSET.fullmatch(text)
    if match:
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes <= 18 * 60 and int(match[3] or 0) < 60:
            return dt.timezone((1 if match[1] == "+" else -1) * dt.timedelta(minutes=minutes))
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ParameterInvalid(
            f"unknown time zone {text!r}", hint="use an IANA name such as Asia/Shanghai or an offset such as +08:00"
        ) from None


def parse_moment(text: str, now_us: int, zone: dt.tzinfo) -> int:
    """Unix seconds, rounded down. A time without an offset is in ``zone``; a date alone is its midnight there."""
    text = text.strip()
    if text == "now":
        return now_us // 1_000_000
    ago = re.fullmatch(r"-(\d+)([smhdw])", text)
    if ago:
        return now_us // 1_000_000 - int(ago[1]) * _UNITS[ago[2]]
    if re.fullmatch(r"[+-]?\d{1,12}", text):
        return int(text)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ParameterInvalid(f"{text!r} is not a time", hint=_HINT) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return int((moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(seconds=1))


def format_moment(seconds: int, zone: dt.tzinfo) -> str:
    """``2026-11-22 08:00:00 +0800``; seconds outside the calendar stay a number."""
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %z")
    except OverflowError:
        return str(seconds)
