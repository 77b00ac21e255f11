"""The zones schedules are kept in: ``+0800``, ``-0330``, or a name such as ``Europe/Berlin``, which knows when clocks change."""

from __future__ import annotations

import datetime as dt
import re

from transforms.core.errors import ParameterInvalid
from transforms.core.moments import parse_zone

__all__ = ["DEFAULT_ZONE", "is_fixed", "offset_at", "schedule_zone"]

DEFAULT_ZONE = "+0800"
"""The zone of a schedule that names none."""

_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
_HINT = "write an offset such as +0800 (from -1200 to +1400, minutes 00, 30 or 45), or a name such as Europe/Berlin"


def schedule_zone(text: str) -> dt.tzinfo:
    """A zone by offset or name; the empty text is the default. Raises ParameterInvalid."""
    text = text or DEFAULT_ZONE
    match = _OFFSET.fullmatch(text)
    if match is None and text[:1] in ("+", "-"):
        raise ParameterInvalid(f"{text!r} is no time zone", hint=_HINT)
    if match is not None:
        minutes = int(match[1] + str(int(match[2]) * 60 + int(match[3])))
        if match[3] not in ("00", "30", "45") or not -12 * 60 <= minutes <= 14 * 60:
            raise ParameterInvalid(f"there is no time zone {text!r}", hint=_HINT)
    try:
        return parse_zone(text)
    except ParameterInvalid:
        raise ParameterInvalid(f"unknown time zone {text!r}", hint=_HINT) from None


def is_fixed(zone: dt.tzinfo) -> bool:
    """Whether clocks there never change."""
    return isinstance(zone, dt.timezone)


def offset_at(zone: dt.tzinfo, local_seconds: int, fold: int = 0) -> int:
    """Seconds east of UTC when clocks show a local time (given as if it were Unix seconds).

    ``fold`` 1 is the second of two hours that are shown twice. Of a time that is skipped, ``fold`` 0 gives the offset before the change.
    """
    shown = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=local_seconds)
    offset = shown.replace(tzinfo=zone, fold=fold).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
