"""How a node of a JSON document is called as a field: its own name, and those of the containers around it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from string import Formatter
from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.values import as_text

__all__ = ["ArrayFormat", "NodeFormat", "array_namer", "node_namer"]

NAMED = ("simple", "full", "parent", "root")
_PLACE = re.compile(r"(parent_list|parent_rlist)\[(\d{1,4})\]")

Namer = Callable[[str, tuple[str, ...]], str | None]


def _pieces(text: str, allowed: tuple[str, ...]) -> list[tuple[str, str | None, int]]:
    """Literal text, and what comes after it: a name, or a list of parents and a position."""
    pieces: list[tuple[str, str | None, int]] = []
    for literal, name, spec, conversion in Formatter().parse(text):
        if name is None:
            pieces.append((literal, None, 0))
            continue
        place = _PLACE.fullmatch(name)
        if spec or conversion or not (place or name in allowed):
            known = ", ".join((*allowed, "parent_list[0]", "parent_rlist[0]"))
            raise ValueError(f"{{{name}}} cannot stand in a name format; {known} can")
        pieces.append((literal, place[1] if place else name, int(place[2]) if place else 0))
    return pieces


def _node_format(value: Any) -> str:
    text = as_text(value)
    if text.lower() in NAMED:
        return text.lower()
    if "{" not in text:
        raise ValueError(f"a name format is {', '.join(NAMED)}, or text with {{current}} and the like, not {text[:60]!r}")
    _pieces(text, ("current", "sep", "prefix", "suffix"))
    return text


def _array_format(value: Any) -> str:
    text = as_text(value)
    _pieces(text, ("index",))
    return text


NodeFormat = Annotated[str, Kind("simple, full, parent, root, or a name format", _node_format)]
ArrayFormat = Annotated[str, Kind("a name format with {index}", _array_format)]


def _namer(pieces: list[tuple[str, str | None, int]], known: dict[str, str], own: str) -> Namer:
    """``own`` is what the format calls a node's own name or position."""

    def name(current: str, parents: tuple[str, ...]) -> str | None:
        parts: list[str] = []
        for literal, what, place in pieces:
            parts.append(literal)
            if what is None:
                continue
            if what == own:
                parts.append(current)
            elif what in known:
                parts.append(known[what])
            elif place >= len(parents):
                return None
            else:
                parts.append(parents[place] if what == "parent_list" else parents[-1 - place])
        return "".join(parts)

    return name


@lru_cache(maxsize=1024)
def node_namer(fmt: str, sep: str, prefix: str, suffix: str) -> Namer:
    """Own name and parents (root first) → field name; None where the format asks for a parent that is not there."""
    if fmt not in NAMED:
        return _namer(_pieces(fmt, ("current", "sep", "prefix", "suffix")), {"sep": sep, "prefix": prefix, "suffix": suffix}, "current")

    def name(current: str, parents: tuple[str, ...]) -> str | None:
        own = f"{prefix}{current}{suffix}"
        if fmt == "simple" or not parents:
            return own
        around = parents if fmt == "full" else parents[:1] if fmt == "root" else parents[-1:]
        return sep.join((*around, own))

    return name


@lru_cache(maxsize=1024)
def array_namer(fmt: str) -> Namer:
    """Position (as text) and parents → name of an element."""
    return _namer(_pieces(fmt, ("index",)), {}, "index")
