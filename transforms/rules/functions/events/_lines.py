"""One line of values with separators between and quotes around some of them, for `e_split`."""

from __future__ import annotations

import csv
from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.values import as_text

__all__ = ["Mark", "OptionalMark", "values_of_line"]

_BREAKS = ("\n", "\r")


def values_of_line(text: str, separator: str, quote: str | None, strip: bool) -> list[str]:
    """The values of a line; a doubled quote inside quotes is one. Line breaks are characters like any other. No text, no values."""
    if not text:
        return []
    if quote is None or quote not in text:
        values = text.split(separator)
        return [value.lstrip(" ") for value in values] if strip and separator != " " else values
    stand_ins = _absent_from(text + separator + quote)
    for character, stand_in in zip(_BREAKS, stand_ins, strict=True):
        text = text.replace(character, stand_in)
    limit = csv.field_size_limit()
    if len(text) >= limit:
        csv.field_size_limit(2 * len(text))
    values = next(csv.reader([text], delimiter=separator, quotechar=quote, skipinitialspace=strip and separator != " "))
    if stand_ins[0] in text or stand_ins[1] in text:
        for character, stand_in in zip(_BREAKS, stand_ins, strict=True):
            values = [value.replace(stand_in, character) for value in values]
    return values


def _absent_from(text: str) -> tuple[str, str]:
    """Two characters that do not occur in a text."""
    found = (character for character in map(chr, range(0xE000, 0x110000)) if character not in text)
    return next(found), next(found)


def _mark(value: Any) -> str:
    text = as_text(value)
    if len(text) != 1 or text in _BREAKS:
        raise ValueError(f"one character is needed, not {text[:20]!r}")
    return text


def _optional_mark(value: Any) -> str | None:
    return None if value is None or value == "" else _mark(value)


Mark = Annotated[str, Kind("one character", _mark, is_text=True)]
OptionalMark = Annotated[str | None, Kind("one character, or empty for none", _optional_mark)]
