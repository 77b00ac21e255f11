"""Event times out of text, by column: ISO 8601, Unix epochs, strptime formats; exact to the nanosecond.

A time is two numbers: whole Unix seconds (rounded down) and nanoseconds 0..999,999,999. Text that is no time gives null. Whole
columns are matched by one regular expression and computed as integers; only local times of a zone with changing offsets are looked
up one by one, each distinct local minute once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import numpy as np
import polars as pl

from transforms.core.errors import ParameterInvalid
from transforms.core.suggest import suggestion

__all__ = ["EPOCH_FORMATS", "NANOSECONDS", "SECONDS", "TimeFormat", "zone_of"]

SECONDS = "seconds"
NANOSECONDS = "nanoseconds"

EPOCH_FORMATS = {"epoch-s": 0, "epoch-ms": 3, "epoch-us": 6, "epoch-ns": 9}
_LARGEST_SECOND = 253_402_300_799
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_ISO = (
    r"^\s*(?P<year>[0-9]{4})-?(?P<month>[0-9]{2})-?(?P<day>[0-9]{2})(?:[Tt ](?P<hour>[0-9]{2}):?(?P<minute>[0-9]{2})"
    r"(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9})[0-9]*)?)?\s*(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?\s*$"
)
_EPOCH = r"^\s*(?P<sign>-?)(?P<whole>[0-9]{1,22})(?:\.(?P<fraction>[0-9]*))?\s*$"

_DIRECTIVES = {
    "Y": r"(?P<year>[0-9]{4})", "y": r"(?P<short_year>[0-9]{2})", "m": r"(?P<month>[0-9]{1,2})", "d": r"\s?(?P<day>[0-9]{1,2})",
    "e": r"\s?(?P<day>[0-9]{1,2})", "H": r"(?P<hour>[0-9]{1,2})", "I": r"(?P<hour12>[0-9]{1,2})", "M": r"(?P<minute>[0-9]{1,2})",
    "S": r"(?P<second>[0-9]{1,2})", "f": r"(?P<fraction>[0-9]{1,9})", "p": r"(?P<half>[AaPp][Mm])",
    "b": r"(?P<month_name>[A-Za-z]{3})", "B": r"(?P<month_name>[A-Za-z]{3,9})", "a": r"[A-Za-z]{3}", "A": r"[A-Za-z]{6,9}",
    "z": r"(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)", "Z": r"(?:UTC|GMT|Z)(?P<utc>)", "%": "%",
}  # fmt: skip
_SHORTHANDS = {"T": "%H:%M:%S", "D": "%m/%d/%y", "F": "%Y-%m-%d", "R": "%H:%M"}


def zone_of(name: str) -> tzinfo:
    """A zone by IANA name (``Europe/Paris``) or offset (``+08:00``, ``-0330``, ``UTC``). Raises ParameterInvalid."""
    match = re.fullmatch(r"([+-])([0-9]{2}):?([0-9]{2})", name)
    if match:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        if offset >= timedelta(hours=24):
            raise ParameterInvalid(f"the offset {name} is a day or more")
        return timezone(-offset if match[1] == "-" else offset)
    if name.upper() in ("UTC", "Z", "GMT"):
        return UTC
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ParameterInvalid(
            f"unknown time zone {name!r}",
            hint=suggestion(name, zoneinfo.available_timezones(), "zone")
            or "give an IANA name such as Asia/Shanghai or an offset such as +08:00",
        ) from error


@dataclass(frozen=True)
class TimeFormat:
    """How times are written.

    Args:
        text: ``iso8601``, ``epoch-s|ms|us|ns``, a strptime format, or ``auto``: ISO 8601, or an epoch whose number of digits
            tells its unit (9–10 seconds, 12–13 ms, 15–16 µs, 18–19 ns).
        zone: for times that do not name their own.

    Raises ParameterInvalid for a directive that is not known or is missing.
    """

    text: str = "auto"
    zone: tzinfo = UTC
    _pattern: str = field(init=False, default="")

    def __post_init__(self) -> None:
        if self.text not in ("auto", "iso8601") and self.text not in EPOCH_FORMATS:
            object.__setattr__(self, "_pattern", _compile(self.text))

    def read(self, column: pl.Series) -> pl.DataFrame:
        """A text column as columns ``seconds`` (int64) and ``nanoseconds`` (int32), both null where the text is no time."""
        if self.text in EPOCH_FORMATS:
            return _epoch(column, EPOCH_FORMATS[self.text])
        if self.text == "iso8601":
            return self._calendar(column, _ISO)
        if self._pattern:
            return self._calendar(column, self._pattern)
        return self._guess(column)

    def _guess(self, column: pl.Series) -> pl.DataFrame:
        if _all_seconds(column):
            return _epoch(column, 0)
        result = self._calendar(column, _ISO) if not _looks_numeric(column) else _nothing(len(column))
        missing = result[SECONDS].is_null() & column.is_not_null()
        if not missing.any():
            return result
        for unit, low in ((0, 9), (3, 12), (6, 15), (9, 18)):
            digits = column.str.contains(rf"^\s*[0-9]{{{low},{low + 1}}}(?:\.[0-9]*)?\s*$") & missing
            if digits.any():
                result = _where(digits.fill_null(value=False), _epoch(column, unit), result)
        if _looks_numeric(column):
            missing = result[SECONDS].is_null() & column.is_not_null()
            if missing.any():
                result = _where(missing, self._calendar(column, _ISO), result)
        return result

    def _calendar(self, column: pl.Series, pattern: str) -> pl.DataFrame:
        frame = column.str.extract_groups(pattern).struct.unnest()
        have = set(frame.columns)

        def number(name: str, default: int) -> pl.Expr:
            if name not in have:
                return pl.lit(default, pl.Int64)
            return pl.col(name).cast(pl.Int64).fill_null(default)

        matched = pl.any_horizontal([pl.col(name).is_not_null() for name in frame.columns])
        year = number("year", 1900)
        if "short_year" in have:
            short = pl.col("short_year").cast(pl.Int64)
            year = pl.when(short < 69).then(short + 2000).otherwise(short + 1900)
        month = number("month", 1)
        if "month_name" in have:
            names = {name: number for number, name in enumerate(_MONTHS, 1)}
            month = pl.col("month_name").str.slice(0, 3).str.to_lowercase().replace_strict(names, default=0, return_dtype=pl.Int64)
        hour = number("hour", 0)
        if "hour12" in have:
            raw = pl.col("hour12").cast(pl.Int64)
            after_noon = pl.col("half").str.to_lowercase() == "pm" if "half" in have else pl.lit(value=False)
            hour = pl.when((raw < 1) | (raw > 12)).then(99).otherwise(raw % 12 + pl.when(after_noon).then(12).otherwise(0))
        frame = frame.select(
            matched.alias("matched"), year.alias("year"), month.alias("month"), number("day", 1).alias("day"), hour.alias("hour"),
            number("minute", 0).alias("minute"), number("second", 0).alias("second"),
            (pl.col("fraction").fill_null("").str.pad_end(9, "0").cast(pl.Int32) if "fraction" in have else pl.lit(0, pl.Int32)).alias(NANOSECONDS),
            (pl.col("zone") if "zone" in have else pl.lit("Z") if "utc" in have else pl.lit(None, pl.String)).alias("zone"),
        )  # fmt: skip
        y, m, d = pl.col("year"), pl.col("month"), pl.col("day")
        leap = ((y % 4 == 0) & (y % 100 != 0)) | (y % 400 == 0)
        length = pl.when(m == 2).then(pl.when(leap).then(29).otherwise(28)).when(m.is_in([4, 6, 9, 11])).then(30).otherwise(31)
        # Second 60 is a leap second and counts as the next minute's first.
        clock = (pl.col("hour") < 24) & (pl.col("minute") < 60) & (pl.col("second") <= 60)
        valid = pl.col("matched") & (y >= 1) & m.is_between(1, 12) & (d >= 1) & (d <= length) & clock
        # Days since 1970 of a civil date; years counted from March so that the leap day comes last.
        shifted = y - (m <= 2).cast(pl.Int64)
        era = shifted.floordiv(400)
        of_era = shifted - era * 400
        day_of_year = (153 * ((m + 9) % 12) + 2) // 5 + d - 1
        days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + day_of_year - 719_468
        local = days * 86_400 + pl.col("hour") * 3_600 + pl.col("minute") * 60 + pl.col("second")
        frame = frame.select(pl.when(valid).then(local).alias("local"), NANOSECONDS, "zone")
        offset = _offset_of_text()
        frame = frame.with_columns(offset.alias("offset"))
        if frame.select((pl.col("zone").is_null() & pl.col("local").is_not_null()).any()).item():
            frame = frame.with_columns(pl.coalesce("offset", self._zone_offsets(frame["local"])).alias("offset"))
        return frame.select(
            (pl.col("local") - pl.col("offset")).alias(SECONDS),
            pl.when(pl.col("local").is_not_null() & pl.col("offset").is_not_null()).then(NANOSECONDS).alias(NANOSECONDS),
        )

    def _zone_offsets(self, local: pl.Series) -> pl.Series:
        """Offsets in seconds of local times. A time that happens twice is its first; one that never happens moves forward."""
        if self.zone is UTC:
            return pl.repeat(0, len(local), dtype=pl.Int64, eager=True)
        # Zones change on minutes (since 1972), so each distinct minute is looked up once.
        minutes = (local // 60).alias("minute")
        distinct = minutes.unique().drop_nulls()
        start = datetime(1970, 1, 1)
        offsets = []
        for minute in distinct.to_list():
            try:
                moment = start + timedelta(minutes=minute)
                offset = self.zone.utcoffset(moment)
            except OverflowError:
                offset = None
            offsets.append(None if offset is None else round(offset.total_seconds()))
        table = pl.DataFrame({"minute": distinct, "offset": pl.Series(offsets, dtype=pl.Int64)})
        return minutes.to_frame().join(table, on="minute", how="left", maintain_order="left")["offset"]


def _offset_of_text() -> pl.Expr:
    """The column ``zone`` (``Z``, ``+08``, ``+08:00``, ``-0330``) as seconds east of UTC; null stays null."""
    zone = pl.col("zone")
    digits = zone.str.replace_all(":", "", literal=True)
    hours = digits.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = digits.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    size = hours * 3_600 + minutes * 60
    return (
        pl.when(zone.is_null())
        .then(None)
        .when(zone.str.to_lowercase() == "z")
        .then(0)
        .when(zone.str.starts_with("-"))
        .then(-size)
        .otherwise(size)
    )


def _all_seconds(column: pl.Series) -> bool:
    """Whether every value is a plain number of nine or ten digits: the common case, told without a regular expression."""
    if not len(column) or column.null_count():
        return False
    sizes = column.str.len_bytes()
    least = column.min()
    if sizes.min() not in (9, 10) or sizes.max() != sizes.min() or not isinstance(least, str) or least < "1":
        return False
    return column.cast(pl.Int64, strict=False).null_count() == 0


def _looks_numeric(column: pl.Series) -> bool:
    """Whether the first value is a number: decides only which reading is tried first."""
    first = column.drop_nulls().head(1).to_list()
    return bool(first) and re.match(_EPOCH, first[0]) is not None and not re.match(_ISO, first[0])


def _nothing(rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {SECONDS: pl.repeat(None, rows, dtype=pl.Int64, eager=True), NANOSECONDS: pl.repeat(None, rows, dtype=pl.Int32, eager=True)}
    )


def _where(mask: pl.Series, yes: pl.DataFrame, no: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({name: yes[name].zip_with(mask, no[name]) for name in (SECONDS, NANOSECONDS)})


def _epoch(column: pl.Series, exponent: int) -> pl.DataFrame:
    """Decimal numbers of a unit of 10^-exponent seconds. Digits beyond nanoseconds are cut off, towards the past."""
    if exponent == 0 and column.null_count() == 0 and len(column):
        plain = column.cast(pl.Int64, strict=False)  # the common case: whole seconds
        least, most = plain.min(), plain.max()
        known = isinstance(least, int) and isinstance(most, int) and least >= -_LARGEST_SECOND and most <= _LARGEST_SECOND
        first = column.min()
        # A sign "+" is none that we know; it stands before digits and "-" in the order of characters.
        if plain.null_count() == 0 and known and isinstance(first, str) and first >= "-":
            return pl.DataFrame([plain.alias(SECONDS), pl.Series(NANOSECONDS, np.zeros(len(plain), np.int32))])
    frame = column.str.extract_groups(_EPOCH).struct.unnest()
    digits = pl.col("whole") + pl.col("fraction").fill_null("").str.pad_end(9, "0").str.slice(0, 9 - exponent if exponent else 9)
    whole_digits = pl.col("whole").str.len_bytes().cast(pl.Int64) - exponent
    padded = digits.str.zfill(12)
    cut = pl.max_horizontal(padded.str.len_bytes().cast(pl.Int64) - 9, pl.lit(0))
    beyond = pl.col("fraction").fill_null("").str.slice(9 - exponent).str.strip_chars("0").str.len_bytes() > 0
    frame = frame.select(
        pl.col("sign") == "-",
        padded.str.slice(0, cut.cast(pl.UInt32)).cast(pl.Int64, strict=False).alias(SECONDS),
        padded.str.slice(cut.cast(pl.Int64), 9).cast(pl.Int64, strict=False).alias(NANOSECONDS),
        (beyond & (pl.col("sign") == "-")).alias("beyond"),
        (whole_digits <= 12).alias("fits"),
    )
    nanoseconds = pl.col(NANOSECONDS) + pl.col("beyond").cast(pl.Int64)
    borrow = pl.col("sign") & (nanoseconds > 0)
    seconds = pl.when(pl.col("sign")).then(-pl.col(SECONDS) - borrow.cast(pl.Int64)).otherwise(pl.col(SECONDS))
    frame = frame.select(
        pl.when(pl.col("fits") & (seconds.abs() <= _LARGEST_SECOND)).then(seconds).alias(SECONDS),
        pl.when(borrow).then(1_000_000_000 - nanoseconds).otherwise(nanoseconds).cast(pl.Int32).alias(NANOSECONDS),
    )
    return frame.with_columns(pl.when(pl.col(SECONDS).is_not_null()).then(pl.col(NANOSECONDS)).alias(NANOSECONDS))


def _compile(text: str) -> str:
    """A strptime format as a regular expression with named groups."""
    for short, long in _SHORTHANDS.items():
        text = text.replace(f"%{short}", long)
    parts: list[str] = []
    seen: set[str] = set()
    i = 0
    while i < len(text):
        if text[i] != "%":
            parts.append(r"\s+" if text[i].isspace() else re.escape(text[i]))
            i += 1
            continue
        directive = text[i + 1 : i + 2]
        if directive not in _DIRECTIVES:
            known = " ".join(f"%{name}" for name in [*_DIRECTIVES, *_SHORTHANDS])
            raise ParameterInvalid(
                f"the time format {text!r} has the unknown directive %{directive}",
                hint=f"known: {known}; or iso8601, epoch-s, epoch-ms, epoch-us, epoch-ns",
            )
        group: Any = re.search(r"\?P<(\w+)>", _DIRECTIVES[directive])
        if group and group[1] in seen:
            raise ParameterInvalid(f"the time format {text!r} has %{directive} twice")
        if group:
            seen.add(group[1])
        parts.append(_DIRECTIVES[directive])
        i += 2
    if not seen & {"year", "short_year"}:
        raise ParameterInvalid(
            f"the time format {text!r} has no year", hint="a format needs %Y or %y, or use iso8601, epoch-s, epoch-ms, epoch-us, epoch-ns"
        )
    return r"^\s*" + "".join(parts) + r"\s*$"
