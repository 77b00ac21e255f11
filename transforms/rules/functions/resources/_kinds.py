"""What the parameters of resource functions take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.values import as_number, as_text, kind_of

__all__ = ["PulledFields", "Seconds", "TextOnly", "not_text", "text_argument"]


def _pulled(value: Any) -> tuple[tuple[str, str], ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not items:
        raise TypeError(f"a list of names, or of pairs of a name and what it is called here, is needed, not {kind_of(value)}")
    found: dict[str, tuple[str, str]] = {}
    for item in items:
        if isinstance(item, list | tuple) and len(item) == 2:
            pair = (as_text(item[0]), as_text(item[1]))
        elif isinstance(item, str):
            pair = (item.strip(), item.strip())
        else:
            raise TypeError(f"a name or a pair of names is needed in the list, not {kind_of(item)}")
        found[pair[1]] = pair
    return tuple(found.values())


def _same(value: Any) -> Any:
    return value


def _seconds(value: Any) -> float:
    seconds = as_number(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"seconds are needed, 0 or more, not {value!r}")
    return seconds


PulledFields = Annotated[tuple[tuple[str, str], ...], Kind("a list of names, or of pairs (name, name here)", _pulled)]
TextOnly = Annotated[Any, Kind("text", _same)]
"""Text, and nothing that is made to text: the function refuses other values itself, in words that do not show them."""
Seconds = Annotated[float, Kind("a number of seconds", _seconds)]


def text_argument(name: str, value: Any) -> str:
    """An argument that has to be text. The message does not show the value, which may be a secret."""
    if not isinstance(value, str):
        raise TypeError(f"{name} not a string type: {kind_of(value)} was given")
    return value


def not_text(known: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Constant arguments that are not text; None is left to when the rule runs, since it also stands for a missing argument."""
    for name in names:
        if known.get(name) is not None and not isinstance(known[name], str):
            yield f"{name} not a string type: {kind_of(known[name])} was given", name
