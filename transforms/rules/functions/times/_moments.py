"""The three representations of a moment: Datetime, text, Unix timestamp; and what turns one into another.

A Datetime without an offset ("naive") counts as UTC wherever it has to become an instant.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from transforms.rules.values import kind_of

if TYPE_CHECKING:
    from transforms.core.clock import Clock
    from transforms.rules.functions.times._zones import Zone

__all__ = ["EPOCH", "as_datetime", "as_moment", "as_timestamp", "in_zone", "instant_us", "labelled", "now_in", "seconds_of", "zone_offset"]

EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)
_LOWEST, _HIGHEST = -62_135_596_800, 253_402_300_799
"""Unix seconds of the years 1 to 9999."""

_TIMESTAMP = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]*))?")
_PLAIN = re.compile(
    r"([0-9]{4})[-/](1[0-2]|0?[1-9])[-/]([0-9]{1,2})[ T]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]{1,6}))?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
"""Year, month, day, clock: what the lenient parser reads in no other way. Most logs write their times like this."""
LONGEST = 200
"""Characters of a text that is a time."""
_TOO_LENIENT = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
"""What the lenient parser raises for texts that nobody thought of."""


def as_moment(value: Any, zone: Zone | None, clock: Clock) -> dt.datetime:
    """A Datetime from any of the three representations.

    With a zone, a timestamp and an aware Datetime are converted to it; a naive one keeps its clock time and gets the zone.
    Raises ValueError or TypeError.
    """
    if isinstance(value, str):
        stripped = value.strip()
        match = _TIMESTAMP.fullmatch(stripped)
        if match is None:
            return labelled(_read(stripped, clock), zone)
        return in_zone(_from_digits(match, stripped), zone)
    if isinstance(value, dt.datetime):
        return labelled(value, zone)
    if isinstance(value, dt.date):
        return labelled(dt.datetime(value.year, value.month, value.day), zone)
    return in_zone(as_timestamp(value), zone)


def as_timestamp(value: Any) -> dt.datetime:
    """A naive Datetime in UTC from a Unix timestamp: a number, or text of digits. Raises ValueError or TypeError for all else."""
    if isinstance(value, str):
        match = _TIMESTAMP.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"a Unix timestamp in seconds is needed, not {value[:60]!r}")
        return _from_digits(match, value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not _LOWEST <= value < _HIGHEST + 1:  # not true of NaN either
            raise _out_of_range(str(value) if isinstance(value, float) or abs(value) < 10**40 else "an integer of more than 40 digits")
        return EPOCH + dt.timedelta(seconds=value)
    if value is None:
        raise ValueError("None is not a time: the field is missing")
    raise TypeError(f"a time is needed (Datetime, text or Unix timestamp), not {kind_of(value)}")


def as_datetime(value: Any) -> dt.datetime:
    """A Datetime where only a Datetime will do (a date counts as its midnight). Raises TypeError for texts and timestamps."""
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    raise TypeError(f"a Datetime is needed, not {kind_of(value)}: dt_parse(…) makes one")


def labelled(moment: dt.datetime, zone: Zone | None) -> dt.datetime:
    """With a zone: a naive Datetime is labelled with it, an aware one converted."""
    if zone is None:
        return moment
    return moment.replace(tzinfo=zone.tzinfo) if moment.tzinfo is None else moment.astimezone(zone.tzinfo)


def instant_us(moment: dt.datetime) -> int:
    """Microseconds since 1970 UTC; a naive Datetime is UTC."""
    offset = moment.utcoffset()
    elapsed = moment.replace(tzinfo=None) - EPOCH
    return (elapsed if offset is None else elapsed - offset) // _MICROSECOND


def seconds_of(moment: dt.datetime) -> int:
    """Unix seconds, rounded down; a naive Datetime is UTC."""
    return instant_us(moment) // 1_000_000


def now_in(clock: Clock, zone: Zone | None) -> dt.datetime:
    """The clock's time: naive in UTC, or aware in a zone."""
    return in_zone(EPOCH + dt.timedelta(microseconds=clock.now_us()), zone)


def in_zone(utc: dt.datetime, zone: Zone | None) -> dt.datetime:
    """A naive Datetime in UTC, converted to a zone if there is one."""
    return utc if zone is None else utc.replace(tzinfo=dt.UTC).astimezone(zone.tzinfo)


def _from_digits(match: re.Match[str], text: str) -> dt.datetime:
    sign, whole, fraction = match.groups()
    if len(whole) > 12 and len(whole.lstrip("0")) > 12:
        raise _out_of_range(text)
    seconds = int(whole)
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    if sign == "-":
        seconds, micros = -seconds, -micros
        if fraction and fraction[6:].strip("0"):
            micros -= 1
    if not _LOWEST <= seconds <= _HIGHEST or (seconds == _LOWEST and micros < 0):
        raise _out_of_range(text)
    return EPOCH + dt.timedelta(seconds=seconds, microseconds=micros)


def _out_of_range(text: str) -> ValueError:
    return ValueError(f"{text[:60]} is out of range for Unix seconds (years 1 to 9999); divide milliseconds by 1000 first")


def _read(text: str, clock: Clock) -> dt.datetime:
    match = _PLAIN.fullmatch(text)
    if match is not None:
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        try:
            return dt.datetime(
                int(year), int(month), int(day), int(hour), int(minute), int(second),
                int(fraction.ljust(6, "0")) if fraction else 0, _offset(zone) if zone else None,
            )  # fmt: skip
        except ValueError:
            pass  # the lenient parser has the last word
    return _read_leniently(text, clock)


@lru_cache(maxsize=256)
def _offset(text: str) -> dt.tzinfo:
    seconds = zone_offset(text)
    return dt.timezone(dt.timedelta(seconds=seconds)) if seconds else dt.UTC


def zone_offset(text: str) -> int:
    """Seconds of ``Z``, ``+0800`` or ``+08:00``."""
    minutes = 0 if text == "Z" else int(text[1:3]) * 60 + int(text[-2:])
    return -minutes * 60 if text[0] == "-" else minutes * 60


def _read_leniently(text: str, clock: Clock) -> dt.datetime:
    from dateutil import parser

    if len(text) > LONGEST:
        raise ValueError(f"a text of {len(text):,} characters is not a time")
    now = EPOCH + dt.timedelta(microseconds=clock.now_us())
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        found: dt.datetime = _parser(now.year).parse(text, default=today, tzinfos=_named_or_offset)
        found.utcoffset()  # an offset of a day or more shows here
    except parser.ParserError as error:
        raise ValueError(f"{text[:80]!r} is not a time: {_reason(error)}") from None
    except OverflowError:
        raise ValueError(f"{text[:80]!r} is not a time: a number in it is too large") from None
    except _TOO_LENIENT as error:
        raise ValueError(f"{text[:80]!r} is not a time: {error}") from None
    return found


def _reason(error: ValueError) -> str:
    pattern = str(error.args[0]) if error.args else "unknown format"
    return pattern.partition(":")[0].lower()


def _named_or_offset(name: str | None, offset: int | None) -> dt.tzinfo | None:
    """An offset as text has it; names of zones other than UTC and GMT say nothing (the machine's own zone must not matter)."""
    if offset is None:
        return None
    if not offset:
        return dt.UTC
    return dt.timezone(dt.timedelta(seconds=offset))


@lru_cache(maxsize=4)
def _parser(year: int) -> Any:
    """The lenient parser, with two-digit years near a year: the library would ask the machine's clock in the machine's zone."""
    from dateutil import parser

    class Calendar(parser.parserinfo):
        def __init__(self) -> None:
            super().__init__()
            self._year = year
            self._century = year // 100 * 100

    return parser.parser(Calendar())
