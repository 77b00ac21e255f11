"""Formats that write times: the codes of C and Python, with English names on every machine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from transforms.rules.values import as_text

__all__ = ["DAYS", "MONTHS", "TimeFormat", "format_of", "offset_text", "week_from_monday", "week_from_sunday"]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
LONGEST = 1_000
"""Characters of a format."""

SHORT_FORMS = {
    "c": "%a %b %e %H:%M:%S %Y",
    "x": "%m/%d/%y",
    "D": "%m/%d/%y",
    "X": "%H:%M:%S",
    "T": "%H:%M:%S",
    "F": "%Y-%m-%d",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "h": "%b",
    "n": "\n",
    "t": "\t",
    "%": "%%",
}
"""Codes that stand for other codes."""


def week_from_sunday(moment: dt.datetime) -> int:
    """Week of the year, weeks beginning on Sundays; days before the first Sunday are in week 0."""
    return (moment.timetuple().tm_yday + 6 - moment.isoweekday() % 7) // 7


def week_from_monday(moment: dt.datetime) -> int:
    """Week of the year, weeks beginning on Mondays; days before the first Monday are in week 0."""
    return (moment.timetuple().tm_yday + 6 - moment.weekday()) // 7


def offset_text(moment: dt.datetime) -> str:
    """``+0800``, with seconds and microseconds if there are any; empty for a naive Datetime."""
    offset = moment.utcoffset()
    if offset is None:
        return ""
    sign, offset = ("-", -offset) if offset < dt.timedelta(0) else ("+", offset)
    minutes, seconds = divmod(offset.days * 86_400 + offset.seconds, 60)
    text = f"{sign}{minutes // 60:02}{minutes % 60:02}"
    if seconds or offset.microseconds:
        text += f"{seconds:02}"
    return text + (f".{offset.microseconds:06}" if offset.microseconds else "")


def _unix(moment: dt.datetime) -> str:
    from transforms.rules.functions.times._moments import seconds_of

    return str(seconds_of(moment))


_CODES: dict[str, Callable[[dt.datetime], str]] = {
    "a": lambda moment: DAYS[moment.weekday()][:3],
    "A": lambda moment: DAYS[moment.weekday()],
    "w": lambda moment: str(moment.isoweekday() % 7),
    "u": lambda moment: str(moment.isoweekday()),
    "d": lambda moment: f"{moment.day:02}",
    "e": lambda moment: f"{moment.day:2}",
    "b": lambda moment: MONTHS[moment.month - 1][:3],
    "B": lambda moment: MONTHS[moment.month - 1],
    "m": lambda moment: f"{moment.month:02}",
    "y": lambda moment: f"{moment.year % 100:02}",
    "Y": lambda moment: f"{moment.year:04}",
    "C": lambda moment: f"{moment.year // 100:02}",
    "G": lambda moment: f"{moment.isocalendar().year:04}",
    "g": lambda moment: f"{moment.isocalendar().year % 100:02}",
    "V": lambda moment: f"{moment.isocalendar().week:02}",
    "U": lambda moment: f"{week_from_sunday(moment):02}",
    "W": lambda moment: f"{week_from_monday(moment):02}",
    "j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "H": lambda moment: f"{moment.hour:02}",
    "k": lambda moment: f"{moment.hour:2}",
    "I": lambda moment: f"{(moment.hour + 11) % 12 + 1:02}",
    "l": lambda moment: f"{(moment.hour + 11) % 12 + 1:2}",
    "p": lambda moment: "AM" if moment.hour < 12 else "PM",
    "P": lambda moment: "am" if moment.hour < 12 else "pm",
    "M": lambda moment: f"{moment.minute:02}",
    "S": lambda moment: f"{moment.second:02}",
    "f": lambda moment: f"{moment.microsecond:06}",
    "z": offset_text,
    "Z": lambda moment: moment.tzname() or "",
    "s": _unix,
}
_UNPADDED = "deHIjklmMSyCUVW"
"""Codes that ``%-`` writes without leading zeros or blanks."""


class TimeFormat:
    """A compiled format. Make them with `TimeFormat.of`, which keeps those in use.

    Raises ValueError for codes that do not exist. ``text`` is the format, ``expanded`` the same with short forms written out.
    """

    __slots__ = ("_pieces", "expanded", "text")

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"the format has {len(text):,} characters; at most {LONGEST:,} are allowed")
        self.text = text
        self._pieces: list[str | Callable[[dt.datetime], str]] = []
        self.expanded = "".join(self._take(code) for code in split_codes(text))

    @staticmethod
    def of(text: str) -> TimeFormat:
        """The format of a text, compiled once."""
        return _compile(text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (TimeFormat.of, (self.text,))

    def __repr__(self) -> str:
        return f"TimeFormat({self.text!r})"

    def write(self, moment: dt.datetime) -> str:
        """A Datetime as text."""
        return "".join([piece if isinstance(piece, str) else piece(moment) for piece in self._pieces])

    def _take(self, piece: str) -> str:
        if piece[0] != "%":
            self._pieces.append(piece)
            return piece
        if piece == "%%":
            self._pieces.append("%")
            return piece
        code = piece[1:]
        if code in SHORT_FORMS:
            return "".join(map(self._take, split_codes(SHORT_FORMS[code])))
        if code in _CODES:
            self._pieces.append(_CODES[code])
            return piece
        if len(code) == 2 and code[0] == "-" and code[1] in _UNPADDED:
            write = _CODES[code[1]]
            self._pieces.append(lambda moment: write(moment).lstrip(" 0") or "0")
            return piece
        raise ValueError(f"the time format has the unknown code %{code}; %% writes a percent sign")


def split_codes(text: str) -> list[str]:
    """A format as literal texts and codes such as ``%Y`` or ``%-d``. Raises ValueError for a ``%`` at the end."""
    pieces: list[str] = []
    position = 0
    while position < len(text):
        if text[position] == "%":
            end = position + (3 if text[position + 1 : position + 2] == "-" else 2)
            if end > len(text):
                raise ValueError("the time format ends in the middle of a code; %% writes a percent sign")
        else:
            found = text.find("%", position)
            end = len(text) if found < 0 else found
        pieces.append(text[position:end])
        position = end
    return pieces


def format_of(value: Any) -> TimeFormat:
    """What a parameter for a format is converted to."""
    return value if isinstance(value, TimeFormat) else TimeFormat.of(as_text(value))


@lru_cache(maxsize=1024)
def _compile(text: str) -> TimeFormat:
    return TimeFormat(text)
