"""Python's format strings, less what would reach into values or fill the memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time
from functools import lru_cache
from string import Formatter
from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.limits import MOST_CHARACTERS, within_limit
from transforms.rules.values import as_text

__all__ = ["Format", "filled", "needed", "simple_parts"]

_WIDTH = re.compile(r"\d+")
_MOMENTS = (date, time)
_AS_THEY_ARE = (str, int, float, date, time)


class _Formatter(Formatter):
    """One filling of a format; it counts what it makes."""

    def __init__(self) -> None:
        self._size = 0

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Any) -> Any:  # noqa: ARG002 - the name is the library's
        if isinstance(key, str):
            raise ValueError(_NAMED.format(key[:40]))
        if key >= len(args):
            raise _too_few(key, args)
        return args[key]

    def format_field(self, value: Any, format_spec: str) -> str:
        if not isinstance(value, _MOMENTS):
            # A time's specification is text for strftime; all others hold at most a width and a precision.
            for digits in _WIDTH.findall(format_spec):
                within_limit(int(digits[:20]))
            if not isinstance(value, int | float) or isinstance(value, bool):
                value = as_text(value)
        made = str(format(value, format_spec))
        self._size += len(made)
        within_limit(self._size)
        return made


_NAMED = "the format names a value {!r}: values go by place, {{}} or {{0}}"


def filled(template: str, values: Sequence[Any]) -> str:
    """The template with the values in place."""
    plain = _plain_parts(template)
    if plain is None:
        return _Formatter().vformat(template, values, {})
    made: list[str] = []
    size = 0
    for literal, place, spec in plain:
        made.append(literal)
        if place is None:
            continue
        if place >= len(values):
            raise _too_few(place, values)
        value = values[place]
        if not isinstance(value, _AS_THEY_ARE) or isinstance(value, bool):
            value = as_text(value)
        text = format(value, spec)
        size += len(text)
        within_limit(size)
        made.append(text)
    return "".join(made)


@lru_cache(maxsize=256)
def _plain_parts(template: str) -> list[tuple[str, int | None, str]] | None:
    """(text, number of the value after it, its specification) for templates without conversions, nested fields or numbers
    beyond the limit: what a template of a rule is but for a few. None for others."""
    parts: list[tuple[str, int | None, str]] = []
    counted = 0
    for literal, name, spec, conversion in _fields(template):
        if conversion or "{" in spec or any(len(digits) > 6 for digits in _WIDTH.findall(spec)):
            return None
        if name is None:
            parts.append((literal, None, ""))
        elif name == "" or (name.isascii() and name.isdigit()):
            parts.append((literal, counted if name == "" else int(name[:9]), spec))
            counted += 1
        else:
            return None
    return parts


def _too_few(place: int, values: Sequence[Any]) -> ValueError:
    return ValueError(f"the format asks for value number {place}, counted from 0, but {len(values)} were given")


def _fields(template: str) -> list[tuple[str, str | None, str, str | None]]:
    return [(literal, name, spec or "", conversion) for literal, name, spec, conversion in Formatter().parse(template)]


def _format(value: Any) -> str:
    template = as_text(value)
    if len(template) > MOST_CHARACTERS:
        within_limit(len(template))
    _check(template, 2)
    needed(template)
    return template


def _check(template: str, depth: int) -> None:
    if not depth:
        raise ValueError("the format is nested too deeply")
    for _, name, spec, conversion in _fields(template):
        if name is None:
            continue
        if "." in name or "[" in name:
            raise ValueError(f"attributes and items of values cannot be reached by a format: {{{name[:40]}}}")
        if name and not (name.isascii() and name.isdigit()):
            raise ValueError(_NAMED.format(name[:40]))
        if conversion not in (None, "s", "r", "a"):
            raise ValueError(f"unknown conversion !{conversion}")
        if "{" in spec:
            _check(spec, depth - 1)


def needed(template: str) -> int:
    """How many values the template asks for. Raises ValueError if it mixes `{}` and `{0}`."""
    places: list[str] = []
    for _, name, spec, _conversion in _fields(template):
        if name is not None:
            places += [name, *(inner for _, inner, _, _ in _fields(spec) if inner is not None)]
    if len({name == "" for name in places}) > 1:
        raise ValueError("a format either leaves all numbers out, {} {}, or gives all, {0} {1}")
    return max((place if name == "" else int(name[:9]) for place, name in enumerate(places)), default=-1) + 1


def simple_parts(template: str) -> list[tuple[str, int | None]] | None:
    """(text, number of the value after it, or None) for templates whose fields have no specification and no conversion; None for others."""
    parts: list[tuple[str, int | None]] = []
    counted = 0
    for literal, name, spec, conversion in _fields(template):
        if spec or conversion:
            return None
        if name is None:
            parts.append((literal, None))
        else:
            parts.append((literal, counted if name == "" else int(name[:9])))
            counted += 1
    return parts


Format = Annotated[str, Kind("a format string", _format, is_text=True)]
