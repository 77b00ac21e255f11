"""A query on one log: the definition of what its tree means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from transforms.rules.query.numbers import read_number
from transforms.rules.query.tree import And, Comparison, Contains, Equals, Found, Node, Not, Or, Piece, Predicate, Range, Test, Wildcards

__all__ = ["compares", "holds", "test"]


def test(node: Node, fields: Mapping[str, str]) -> bool:
    """Whether a log (field → text) is what the query looks for. Raises TimeoutError for a regular expression that takes too long."""
    if isinstance(node, Or):
        return any(test(part, fields) for part in node.parts)
    if isinstance(node, And):
        return all(test(part, fields) for part in node.parts)
    if isinstance(node, Not):
        return not test(node.part, fields)
    assert isinstance(node, Test)
    if node.field is None:
        return any(holds(node.predicate, value) for value in fields.values())
    value = fields.get(node.field)
    return value is not None and holds(node.predicate, value)


def holds(predicate: Predicate, value: str) -> bool:
    """Whether the text of a field passes a test."""
    if isinstance(predicate, Contains):
        return _contains(predicate.text.inner, value)
    if isinstance(predicate, Equals):
        return _equals(predicate.text, value)
    if isinstance(predicate, Found):
        return predicate.pattern.search(value) is not None
    number = read_number(value)
    if number is None:
        return False
    if isinstance(predicate, Range):
        return (predicate.low is None or number >= predicate.low) and (predicate.high is None or number <= predicate.high)
    return compares(predicate, number)


def compares(comparison: Comparison, number: Decimal) -> bool:
    """Whether a number passes a comparison."""
    bound = comparison.number
    return {"=": number == bound, ">": number > bound, ">=": number >= bound, "<": number < bound, "<=": number <= bound}[comparison.sign]


def _contains(text: Wildcards, value: str) -> bool:
    """Piece after piece, each at its first place behind the one before: time grows with the value's length, not with its power."""
    at = 0
    for piece in text.pieces:
        found = _find(piece, value, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _equals(text: Wildcards, value: str) -> bool:
    if text.literal is not None:
        return value == text.literal
    first, *middle = text.pieces
    if not middle:
        return len(value) == len(first) and _fits(first, value, 0)
    last = middle.pop()
    if len(value) < len(first) + len(last) or not _fits(first, value, 0) or not _fits(last, value, len(value) - len(last)):
        return False
    return _contains(Wildcards((tuple[str | None, ...](), *middle)), value[len(first) : len(value) - len(last)])


def _fits(piece: Piece, value: str, at: int) -> bool:
    return all(part is None or value[at + place] == part for place, part in enumerate(piece))


def _find(piece: Piece, value: str, at: int) -> int:
    if None not in piece:
        return value.find("".join(part or "" for part in piece), at)
    found = _piece(piece).search(value, at)
    return -1 if found is None else found.start()


@lru_cache(maxsize=1024)
def _piece(piece: Piece) -> re.Pattern[str]:
    return re.compile("".join("." if part is None else re.escape(part) for part in piece), re.DOTALL)
