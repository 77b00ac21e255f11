"""How values compare: the one meaning of ``op_eq``, ``op_gt`` and their siblings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from transforms.rules.values import as_number, kind_of

__all__ = ["compare", "equal", "same_kind"]


def equal(a: Any, b: Any) -> bool:
    """Whether two values are equal: those of different kinds are not, except that integers and floats compare by value."""
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    a, b = _moments(a, b)
    return bool(a == b)


def compare(operator: Callable[[Any, Any], bool], a: Any, b: Any) -> bool:
    """Whether ``operator`` (of Python's module) holds: numbers by value, text by code points, lists and tuples item by item.

    Text beside a number counts as the number that it holds. Raises TypeError or ValueError for other mixtures and for None.
    """
    if type(a) is type(b) and isinstance(a, list | tuple):
        for one, other in zip(a, b, strict=False):
            if not equal(one, other):
                return compare(operator, one, other)
        return operator(len(a), len(b))
    if isinstance(a, str) and _is_number(b):
        a = _numeric(a, b)
    elif isinstance(b, str) and _is_number(a):
        b = _numeric(b, a)
    if not same_kind(a, b):
        raise TypeError(f"{kind_of(a)} and {kind_of(b)} cannot be compared{_missing(a, b)}")
    if isinstance(a, dict):
        raise TypeError("dictionaries have no order")
    a, b = _moments(a, b)
    return operator(a, b)


def same_kind(a: Any, b: Any) -> bool:
    """Whether two values have an order without any conversion (None has none)."""
    if a is None or b is None:
        return False
    return type(a) is type(b) or (_is_number(a) and _is_number(b))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numeric(text: str, number: Any) -> int | float:
    try:
        return as_number(text)
    except ValueError:
        raise ValueError(f"text {text[:60]!r} cannot be compared with the number {number}: it is not a number") from None


def _moments(a: Any, b: Any) -> tuple[Any, Any]:
    """Of two times one without a zone is in UTC, if the other has one."""
    if isinstance(a, datetime) and isinstance(b, datetime) and (a.tzinfo is None) != (b.tzinfo is None):
        return (a.replace(tzinfo=UTC), b) if a.tzinfo is None else (a, b.replace(tzinfo=UTC))
    return a, b


def _missing(a: Any, b: Any) -> str:
    return '; a field is missing: v("field", default=…) gives another value instead' if a is None or b is None else ""
