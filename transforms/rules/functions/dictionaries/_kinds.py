"""Kinds of arguments that the functions for dictionaries take."""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.values import kind_of

__all__ = ["Key", "KeyOrValue", "as_key"]


def as_key(value: Any) -> Any:
    """The value itself, if a dictionary can have it as a key. Raises TypeError for lists and dictionaries."""
    try:
        hash(value)
    except TypeError:
        raise TypeError(f"{kind_of(value)} cannot be a key") from None
    return value


def _same(value: Any) -> Any:
    return value


Key = Annotated[Any, Kind("a key: text, a number or another single value", as_key)]
KeyOrValue = Annotated[Any, Kind("a key, then its value, and so on", _same)]
