"""Kinds of arguments that functions on text take."""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.limits import within_limit
from transforms.rules.values import as_integer, as_text

__all__ = ["WHITE_SPACE", "Affix", "Character", "Part", "RowFormat", "Separator", "Width"]


def _character(value: Any) -> str:
    text = as_text(value)
    if len(text) != 1:
        raise ValueError(f"one character is needed, not {len(text)}")
    return text


def _width(value: Any) -> int:
    width = as_integer(value)
    within_limit(width)
    return width


def _separator(value: Any) -> str:
    text = as_text(value)
    if not text:
        raise ValueError("empty separator")
    return text


def _affix(value: Any) -> str | tuple[str, ...]:
    return tuple(as_text(item) for item in value) if isinstance(value, list | tuple) else as_text(value)


def _part(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else as_text(value)


def _row_format(value: Any) -> tuple[str, str]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError('a separator and a quote are needed, such as (",", \'"\')')
    separator, quote = as_text(value[0]), as_text(value[1])
    if len(separator) != 1 or separator in "\r\n":
        raise ValueError("the separator is one character and no line break")
    if len(quote) != 1 or quote in "\r\n" or quote == separator:
        raise ValueError("the quote is one character, neither a line break nor the separator")
    return separator, quote


Character = Annotated[str, Kind("one character", _character, is_text=True)]
Width = Annotated[int, Kind("a number of characters", _width)]
Separator = Annotated[str, Kind("text that is not empty", _separator, is_text=True)]
Affix = Annotated[str | tuple[str, ...], Kind("text, or a tuple of texts", _affix, is_text=True)]
Part = Annotated[Any, Kind("text, or a list", _part, is_text=True)]
RowFormat = Annotated[tuple[str, str], Kind("a tuple of a separator and a quote", _row_format)]

WHITE_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
"""The characters that the scalar forms take for white space; other engines' sets differ by a few."""
