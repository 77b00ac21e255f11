"""The values of the rule language and how they turn into each other: truth, text, numbers, lists, mappings.

A value is None, a Boolean, an integer, a float, text, bytes, a list, a tuple, a dict, a date or time, or a `Table`. Fields of
events are always text. These functions are the single place where a conversion is defined; every one raises ValueError (or
TypeError) with a sentence that a rule's author can act on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

__all__ = ["as_bytes", "as_integer", "as_list", "as_mapping", "as_number", "as_text", "kind_of", "stored_text", "truth", "weight"]

MOST_WEIGHT = 16_000_000
"""Largest list or dictionary that a field keeps, as `weight` measures it."""

_TYPE_NAMES = {
    type(None): "None",
    bool: "a Boolean",
    int: "an integer",
    float: "a float",
    str: "text",
    bytes: "bytes",
    list: "a list",
    tuple: "a tuple",
    dict: "a dictionary",
    datetime: "a date and time",
    date: "a date",
}


def kind_of(value: Any) -> str:
    """What a value is, for messages: ``text``, ``an integer``, …"""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def truth(value: Any) -> bool:
    """Whether a condition holds: None, False, 0, 0.0 and whatever is empty are false, all else is true (``"0"`` and ``"false"`` too)."""
    if value is None or value is False:
        return False
    if isinstance(value, str | bytes | int | float | list | tuple | dict):
        return bool(value)
    return True


def stored_text(value: Any) -> str | None:
    """A value as a field keeps it; None means that the field is left alone.

    Booleans are ``true`` and ``false``, bytes are read as UTF-8 (what cannot be read is left out), lists and dictionaries become
    JSON with blanks after ``,`` and ``:``, times are ISO with a blank between date and time. Half of a surrogate pair, which UTF-8
    cannot hold, becomes U+FFFD.
    """
    text = _kept(value)
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _kept(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _digits(value) if isinstance(value, int) else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "ignore")
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        if weight(value) > MOST_WEIGHT:
            raise ValueError(f"a list or dictionary with more than {MOST_WEIGHT:,} characters cannot be kept in a field")
        return _JSON.encode(value)
    raise TypeError(f"{kind_of(value)} cannot be kept in a field")


_JSON = json.JSONEncoder(ensure_ascii=False, default=stored_text)


def weight(value: Any, most: int = MOST_WEIGHT) -> int:
    """About how many characters a value has as text, everything inside it counted where it stands; counting ends beyond ``most``.

    A list may hold the same large text a thousand times at no cost, and its text may not.
    """
    total, waiting = 0, [value]
    while waiting and total <= most:
        one = waiting.pop()
        if isinstance(one, str | bytes):
            total += len(one)
        elif isinstance(one, list | tuple):
            total += 2 * len(one)
            waiting.extend(one)
        elif isinstance(one, dict):
            total += 4 * len(one)
            waiting.extend(one)
            waiting.extend(one.values())
        else:
            total += 4
    return total


def as_text(value: Any) -> str:
    """A value where text is asked for: as a field keeps it; None is an error, since a missing field is not an empty text."""
    if isinstance(value, str):
        return value
    if value is None:
        raise ValueError('None is not text: the field is missing; v("field", default="") gives an empty text instead')
    text = stored_text(value)
    assert text is not None
    return text


def as_bytes(value: Any) -> bytes:
    """Bytes as they are; anything else as the UTF-8 bytes of its text."""
    return value if isinstance(value, bytes) else as_text(value).encode("utf-8", "surrogatepass")


def as_number(value: Any) -> int | float:
    """A number, or text that holds one (blanks around it are fine): an integer if it looks like one, else a float."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return float(value)
    raise TypeError(f"a number is needed, not {kind_of(value)}")


def as_integer(value: Any) -> int:
    """An integer, text that holds one, or a float without a fraction."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if value.is_integer():
            return int(value)
        raise ValueError(f"an integer is needed, not {value}")
    if isinstance(value, str):
        return int(value)
    raise TypeError(f"an integer is needed, not {kind_of(value)}")


def as_list(value: Any) -> Sequence[Any]:
    """A list or tuple, or text that holds a JSON array."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, str):
        parsed = _json(value)
        if isinstance(parsed, list):
            return parsed
        raise ValueError(f"a list is needed, not JSON text of {kind_of(parsed)}")
    raise TypeError(f"a list is needed, not {kind_of(value)}")


def as_mapping(value: Any) -> Mapping[Any, Any]:
    """A dictionary, or text that holds a JSON object."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        parsed = _json(value)
        if isinstance(parsed, dict):
            return parsed
        raise ValueError(f"a dictionary is needed, not JSON text of {kind_of(parsed)}")
    raise TypeError(f"a dictionary is needed, not {kind_of(value)}")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("the JSON text is nested too deeply") from None


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        raise ValueError("the integer has more than 4,300 digits and cannot be written out") from None
