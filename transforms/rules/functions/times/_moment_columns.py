"""Times as columns: what texts and timestamps say, in whole columns, where that is beyond doubt the same as one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from transforms.rules.columns import Column, Fixed, Rendered
from transforms.rules.function import Decline
from transforms.rules.functions.times._moments import EPOCH, as_moment, instant_us, zone_offset

if TYPE_CHECKING:
    from transforms.core.clock import Clock
    from transforms.rules.columns import Arguments
    from transforms.rules.functions.times._truncation import Unit
    from transforms.rules.functions.times._zones import Zone

__all__ = [
    "Moments",
    "completed",
    "converted",
    "instants_of",
    "mapped",
    "moments_in",
    "moments_of",
    "seconds",
    "spans",
    "timestamps_of",
    "truncated",
]

PLAIN = (
    r"^[1-9][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.,][0-9]{1,6})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])?$"
)
"""Texts of one shape: the same for the column engine, for the quick reading and for the lenient one."""
_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
_FRACTION = r"^.{19}[.,]([0-9]{1,6})"
_DIGITS = r"^[0-9]{1,11}$"
_FIRST, _LAST = dt.datetime(1973, 1, 1), dt.datetime(9990, 1, 1)
"""In between zones change at whole minutes only, and no zone leads out of the calendar."""


class Moments:
    """Datetimes of a column: ``local`` (Polars Datetime, microseconds, null = None) and their ``offset`` in seconds, None = naive."""

    def __init__(self, local: pl.Series, offset: pl.Series | None = None, zone: dt.tzinfo | None = None) -> None:
        self.local = local
        self.offset = offset
        self.zone = zone

    def utc(self) -> pl.Series:
        """The instants, as naive UTC; those that are naive count as UTC."""
        return self.local if self.offset is None else self.local - spans(self.offset * 1_000_000)

    def column(self) -> Rendered:
        """As a column of Python's Datetimes."""
        values: list[Any] = self.local.to_list()
        if self.offset is not None:
            zones: Mapping[int, dt.tzinfo] = (
                {} if self.zone else {seconds: _fixed(seconds) for seconds in self.offset.drop_nulls().unique()}
            )
            zone = self.zone
            values = [
                None if value is None else value.replace(tzinfo=zone or zones[seconds])
                for value, seconds in zip(values, self.offset.to_list(), strict=True)
            ]
            for row in self._repeated():
                values[row] = values[row].replace(fold=1)
        return Rendered(values, self.texts, self)

    def _repeated(self) -> list[int]:
        """Rows of hours that a clock shows for the second time."""
        zone = self.zone
        if zone is None or self.offset is None:
            return []
        first = _offsets(self.local, lambda minute: minute.replace(tzinfo=zone))
        return (first != self.offset).fill_null(False).arg_true().to_list()

    def texts(self) -> pl.Series:
        """As fields keep them."""
        text = self.local.dt.strftime("%Y-%m-%d %H:%M:%S")
        if (self.local.dt.microsecond() != 0).any():
            whole = (self.local.dt.microsecond() == 0).fill_null(True)
            text = text.zip_with(whole, self.local.dt.strftime("%Y-%m-%d %H:%M:%S.%6f"))
        if self.offset is None:
            return text
        known = self.offset.drop_nulls().unique().to_list()
        shown = [dt.datetime(2000, 1, 1, tzinfo=_fixed(seconds)).isoformat()[19:] for seconds in known]
        return text + mapped(self.offset, known, shown, pl.String)


def spans(micros: pl.Series) -> pl.Series:
    """Microseconds as what can be added to a Datetime."""
    return micros.cast(pl.Duration("us"))


def mapped(keys: pl.Series, known: Sequence[Any], values: Sequence[Any], kind: Any) -> pl.Series:
    """``values[i]`` where a key is ``known[i]``, null for null."""
    if not known:
        return pl.Series("", [None], kind).new_from_index(0, len(keys))
    return keys.replace_strict(known, values, return_dtype=kind)


def _fixed(seconds: int) -> dt.tzinfo:
    return dt.timezone(dt.timedelta(seconds=seconds)) if seconds else dt.UTC


def moments_of(column: Column, zone: Zone | None) -> tuple[Moments, pl.Series]:
    """What ``as_moment`` makes of a column, and for which events that holds (null ones among them). Declines for what it does not know."""
    if isinstance(column, Rendered) and isinstance(column.source, Moments):
        moments = column.source
        covered = pl.Series("", [True], pl.Boolean).new_from_index(0, len(moments.local))
    elif isinstance(column, pl.Series) and column.dtype == pl.Int64:
        return from_seconds(column, zone)
    elif isinstance(column, pl.Series) and column.dtype == pl.String:
        covered = column.str.contains(_DIGITS).fill_null(True)
        if 2 * covered.sum() > len(column) and column.null_count() < len(column):
            return from_seconds(pl.select(pl.when(covered).then(column).cast(pl.Int64)).to_series(), zone, covered)
        moments, covered = _from_texts(column)
    else:
        raise Decline
    return _labelled(moments, zone, covered)


def _from_texts(texts: pl.Series) -> tuple[Moments, pl.Series]:
    covered = texts.str.contains(PLAIN).fill_null(True)
    if 2 * covered.sum() < len(texts):
        raise Decline
    plain = texts.zip_with(covered, pl.Series("", [None], pl.String).new_from_index(0, len(texts)))
    zones = plain.str.extract(_OFFSET)
    aware = zones.null_count() < len(plain)
    if aware:
        covered = covered & (zones.is_not_null() | texts.is_null())
    local = plain.str.slice(0, 19).str.replace("T", " ", literal=True).str.strptime(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S", strict=False)
    fraction = plain.str.extract(_FRACTION)
    if fraction.null_count() < len(fraction):
        micros = fraction.str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
        local = local + spans(micros)
    covered = covered & (local.is_not_null() | texts.is_null())  # the 30th of February
    local = pl.select(pl.when(covered).then(local)).to_series()
    return Moments(local, _seconds_of_offsets(zones) if aware else None), covered


def _seconds_of_offsets(texts: pl.Series) -> pl.Series:
    known = texts.drop_nulls().unique().to_list()
    return mapped(texts, known, [zone_offset(text) for text in known], pl.Int64)


def from_seconds(whole: pl.Series, zone: Zone | None, covered: pl.Series | None = None) -> tuple[Moments, pl.Series]:
    """Whole Unix seconds (Int64, null = None), converted to a zone if there is one."""
    lowest, highest = int((_FIRST - EPOCH).total_seconds()) if zone else -30_610_224_000, int((_LAST - EPOCH).total_seconds())
    inside = whole.is_between(lowest, highest).fill_null(True)
    covered = inside if covered is None else covered & inside
    local = (pl.select(pl.when(inside).then(whole)).to_series() * 1_000_000).cast(pl.Datetime("us"))
    return (Moments(local) if zone is None else _converted(local, zone)), covered


def instants_of(column: Column, clock: Clock) -> tuple[pl.Series | int, pl.Series | bool]:
    """Microseconds since 1970 UTC, of a column or of one time that is the same for all; and for which events that holds."""
    if not isinstance(column, Fixed):
        moments, covered = moments_of(column, None)
        return moments.utc().cast(pl.Int64), covered
    try:
        return instant_us(as_moment(column.value, None, clock)), True
    except (ValueError, TypeError):
        raise Decline from None


def timestamps_of(column: Column, zone: Zone | None) -> tuple[Moments, pl.Series]:
    """What Unix seconds say, as digits or integers. Declines for what it does not know; absent ones are left to the scalar form."""
    if not isinstance(column, pl.Series) or column.dtype not in (pl.String, pl.Int64):
        raise Decline
    covered = (column.str.contains(_DIGITS) if column.dtype == pl.String else column.is_not_null()).fill_null(False)
    if 2 * covered.sum() < len(column):
        raise Decline
    return from_seconds(pl.select(pl.when(covered).then(column).cast(pl.Int64)).to_series(), zone, covered)


def moments_in(column: Column) -> Moments:
    """Datetimes that another function made by columns, without a None. Declines for all else."""
    if isinstance(column, Rendered) and isinstance(column.source, Moments) and not column.source.local.null_count():
        return column.source
    raise Decline


def _labelled(moments: Moments, zone: Zone | None, covered: pl.Series) -> tuple[Moments, pl.Series]:
    if zone is None:
        return moments, covered
    inside = moments.local.is_between(_FIRST, _LAST).fill_null(True)
    local = pl.select(pl.when(inside).then(moments.local)).to_series()
    if moments.offset is not None:
        return _converted(Moments(local, moments.offset).utc(), zone), covered & inside
    return Moments(local, _offsets(local, lambda minute: minute.replace(tzinfo=zone.tzinfo)), zone.tzinfo), covered & inside


def converted(moments: Moments, zone: Zone) -> tuple[Moments, pl.Series]:
    """In a zone, those that are naive from UTC; and for which events that holds."""
    utc = moments.utc()
    inside = utc.is_between(_FIRST, _LAST).fill_null(True)
    return _converted(pl.select(pl.when(inside).then(utc)).to_series(), zone), inside


def truncated(moments: Moments, unit: Unit) -> Moments:
    """The beginnings of units. Declines where the offset may differ there, and for units that the column engine does not have."""
    if unit.every is None or moments.zone is not None:
        raise Decline
    return Moments(moments.local.dt.truncate(unit.every), moments.offset)


def _converted(utc: pl.Series, zone: Zone) -> Moments:
    offset = _offsets(utc, lambda minute: minute.replace(tzinfo=dt.UTC).astimezone(zone.tzinfo))
    return Moments(utc + spans(offset * 1_000_000), offset, zone.tzinfo)


def _offsets(moments: pl.Series, aware: Callable[[dt.datetime], dt.datetime]) -> pl.Series:
    """The offset of each, in seconds, asked once for each minute."""
    minutes = moments.cast(pl.Int64) // 60_000_000
    known = minutes.drop_nulls().unique().to_list()
    seconds: list[int] = []
    for minute in known:
        offset = aware(EPOCH + dt.timedelta(minutes=minute)).utcoffset()
        seconds.append(0 if offset is None else round(offset.total_seconds()))
    return mapped(minutes, known, seconds, pl.Int64)


def seconds(moments: Moments) -> pl.Series:
    """Unix seconds, rounded down."""
    return moments.utc().cast(pl.Int64) // 1_000_000


def completed(call: Arguments, moments: Moments, covered: pl.Series) -> Column:
    """The Datetimes of the events that are covered; for the others what the scalar form gives."""
    if covered.all():
        return moments.column()
    rest = call.completed(pl.Series("", [None], pl.String).new_from_index(0, call.rows), covered)
    others = rest if isinstance(rest, list) else rest.to_list()  # type: ignore[union-attr]
    return [mine if mine is not None else other for mine, other in zip(moments.column(), others, strict=True)]
