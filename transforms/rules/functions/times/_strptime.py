"""Formats that read times: Python's codes, with English names on every machine."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

from transforms.rules.functions.times._strftime import DAYS, LONGEST, MONTHS, SHORT_FORMS, split_codes
from transforms.rules.values import as_text

__all__ = ["ReadFormat", "read_format_of"]


def _any_of(names: tuple[str, ...]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


_PATTERNS = {
    "d": "3[01]|[12][0-9]|0[1-9]|[1-9]| [1-9]",
    "e": "3[01]|[12][0-9]|0[1-9]|[1-9]| [1-9]",
    "f": "[0-9]{0,6}",
    "H": "2[0-3]|[01][0-9]|[0-9]",
    "I": "1[0-2]|0[1-9]|[1-9]| [1-9]",
    "G": "[0-9]{4}",
    "j": "36[0-6]|3[0-5][0-9]|[12][0-9][0-9]|0[1-9][0-9]|00[1-9]|[1-9][0-9]|0[1-9]|[1-9]",
    "m": "1[0-2]|0[1-9]|[1-9]",
    "M": "[0-5][0-9]|[0-9]",
    "S": "[0-5][0-9]|[0-9]",
    "U": "5[0-3]|[0-4][0-9]|[0-9]",
    "W": "5[0-3]|[0-4][0-9]|[0-9]",
    "V": "5[0-3]|0[1-9]|[1-4][0-9]|[0-9]",
    "w": "[0-6]",
    "u": "[1-7]",
    "y": "[0-9]{2}",
    "Y": "[0-9]{4}",
    "z": r"[+-][0-9]{2}:?[0-5][0-9](?::?[0-5][0-9](?:\.[0-9]{1,6})?)?|(?-i:Z)",
    "Z": "utc|gmt",
    "A": _any_of(DAYS),
    "a": _any_of(tuple(day[:3] for day in DAYS)),
    "B": _any_of(MONTHS),
    "b": _any_of(tuple(month[:3] for month in MONTHS)),
    "p": "am|pm",
}


class ReadFormat:
    """A compiled format. Make them with `ReadFormat.of`, which keeps those in use.

    Raises ValueError for codes that do not exist, stand twice, or say nothing without others.
    """

    __slots__ = ("_codes", "_match", "text")

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"the format has {len(text):,} characters; at most {LONGEST:,} are allowed")
        self.text = text
        self._codes: list[str] = []
        pattern = "".join(map(self._pattern, split_codes(text)))
        self._match = re.compile(pattern, re.IGNORECASE).match
        _check(self._codes)

    @staticmethod
    def of(text: str) -> ReadFormat:
        """The format of a text, compiled once."""
        return _compile(text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (ReadFormat.of, (self.text,))

    def __repr__(self) -> str:
        return f"ReadFormat({self.text!r})"

    def read(self, value: str) -> dt.datetime:
        """The Datetime that a text gives: aware only with ``%z``. Raises ValueError."""
        match = self._match(value)
        if match is None:
            raise ValueError(f"time data {value[:80]!r} does not match format {self.text!r}")
        if match.end() != len(value):
            raise ValueError(f"unconverted data remains: {value[match.end() :][:80]}")
        parts = dict(zip(self._codes, match.groups(), strict=True))
        year, month, day = _date(parts)
        return dt.datetime(
            year, month, day, _hour(parts), int(parts.get("M", 0)), int(parts.get("S", 0)),
            int(parts["f"].ljust(6, "0")) if "f" in parts else 0, _offset(parts["z"]) if "z" in parts else None,
        )  # fmt: skip

    def _pattern(self, piece: str) -> str:
        if piece[0] != "%":
            return re.sub(r"(?:\\?\s)+", lambda _: r"\s+", re.escape(piece))
        code = piece[1:].removeprefix("-")
        if code == "%":
            return "%"
        if code in SHORT_FORMS and len(SHORT_FORMS[code]) > 1:
            return "".join(map(self._pattern, split_codes(SHORT_FORMS[code])))
        if code in SHORT_FORMS:
            return r"\s+"
        if code not in _PATTERNS:
            raise ValueError(f"the time format has the code {piece}, which cannot be read; %% stands for a percent sign")
        code = "d" if code == "e" else code
        if code in self._codes:
            raise ValueError(f"the time format has the code %{code} twice")
        self._codes.append(code)
        return f"({_PATTERNS[code]})"


def read_format_of(value: Any) -> ReadFormat:
    """What a parameter for a format is converted to."""
    return value if isinstance(value, ReadFormat) else ReadFormat.of(as_text(value))


@lru_cache(maxsize=1024)
def _compile(text: str) -> ReadFormat:
    return ReadFormat(text)


def _check(codes: list[str]) -> None:
    given = set(codes)
    weekday = given & {"A", "a", "w", "u"}
    if "G" in given and not ("V" in given and weekday):
        raise ValueError("%G, the ISO year, needs %V and a weekday (%A, %a, %w or %u) beside it")
    if "V" in given and not ("G" in given and weekday):
        raise ValueError("%V, the ISO week, needs %G and a weekday (%A, %a, %w or %u) beside it")
    if "G" in given and "j" in given:
        raise ValueError("%j, the day of the year, needs %Y and not %G beside it")


def _date(parts: dict[str, str]) -> tuple[int, int, int]:
    if "G" in parts:
        return _ymd(dt.date.fromisocalendar(int(parts["G"]), int(parts["V"]), (_weekday(parts) or 0) + 1))
    year = _year(parts)
    weekday = _weekday(parts)
    if "j" in parts:
        return _day_of_year(year, int(parts["j"]))
    if ("U" in parts or "W" in parts) and weekday is not None and year is not None:
        return _day_of_year(year, _from_week(parts, year, weekday))
    return 1900 if year is None else year, _month(parts), int(parts.get("d", 1))


def _year(parts: dict[str, str]) -> int | None:
    if "Y" in parts:
        return int(parts["Y"])
    if "y" in parts:
        short = int(parts["y"])
        return short + (2000 if short <= 68 else 1900)
    return None


def _month(parts: dict[str, str]) -> int:
    if "m" in parts:
        return int(parts["m"])
    name = parts.get("B") or parts.get("b")
    return 1 if name is None else _position(name, MONTHS) + 1


def _weekday(parts: dict[str, str]) -> int | None:
    """0 = Monday."""
    if "u" in parts:
        return int(parts["u"]) - 1
    if "w" in parts:
        return (int(parts["w"]) + 6) % 7
    name = parts.get("A") or parts.get("a")
    return None if name is None else _position(name, DAYS)


def _position(name: str, names: tuple[str, ...]) -> int:
    return next(place for place, known in enumerate(names) if known.lower().startswith(name.lower()))


def _day_of_year(year: int | None, number: int) -> tuple[int, int, int]:
    return _ymd(dt.date(1900 if year is None else year, 1, 1) + dt.timedelta(days=number - 1))


def _from_week(parts: dict[str, str], year: int, weekday: int) -> int:
    """Day of the year; 0 and less are days of the year before."""
    first = dt.date(year, 1, 1).weekday()
    week = int(parts.get("U") or parts["W"])
    if "U" in parts:  # weeks begin on Sundays
        first, weekday = (first + 1) % 7, (weekday + 1) % 7
    before = (7 - first) % 7
    return 1 + weekday - first if week == 0 else 1 + before + 7 * (week - 1) + weekday


def _ymd(day: dt.date) -> tuple[int, int, int]:
    return day.year, day.month, day.day


def _hour(parts: dict[str, str]) -> int:
    if "I" not in parts:
        return int(parts.get("H", 0))
    hour = int(parts["I"]) % 12
    return hour + 12 if parts.get("p", "").lower() == "pm" else hour


@lru_cache(maxsize=256)
def _offset(text: str) -> dt.tzinfo:
    if text == "Z":
        return dt.UTC
    digits = text[1:].replace(":", "")
    whole, _, fraction = digits.partition(".")
    offset = dt.timedelta(
        hours=int(whole[:2]), minutes=int(whole[2:4]), seconds=int(whole[4:6] or 0), microseconds=int(fraction.ljust(6, "0") or 0)
    )
    return dt.timezone(-offset if text[0] == "-" else offset) if offset else dt.UTC
