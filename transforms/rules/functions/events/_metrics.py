"""The parts of a sample of a metric, for `e_to_metric`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

from transforms.rules.kinds import Kind, choice_of
from transforms.rules.values import as_text, kind_of

__all__ = ["FieldPairs", "Precision", "is_time", "label_text", "nanoseconds", "number_text"]

_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_TIME = re.compile(r"\s*[+-]?(\d+)(\.\d*)?\s*", re.ASCII)


def is_time(text: str) -> bool:
    """Whether a text is a number that can be a time."""
    return _TIME.fullmatch(text) is not None


def nanoseconds(time: str | int | float, precision: str | None) -> str:
    """A time as whole nanoseconds. Without a unit the number of digits before the point tells it. Raises ValueError for what is no time."""
    text = str(time) if isinstance(time, str | int) else repr(time)
    matched = _TIME.fullmatch(text) if len(text) <= 60 else None
    if matched is None or isinstance(time, bool):
        raise ValueError(f"a time is a number of seconds, milliseconds, microseconds or nanoseconds, not {text[:60]!r}")
    digits = len(matched[1].lstrip("0"))
    unit = _UNITS[precision] if precision else 10 ** (9 if digits < 12 else 6 if digits < 15 else 3 if digits < 18 else 0)
    return str(int(Decimal(text.strip()) * unit))


def number_text(text: str) -> str:
    """A number as samples hold it: ``123`` is ``123.0``. Raises ValueError for what is no number."""
    return str(float(text))


def label_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels in the order of their keys; of two with the same key the later one counts."""
    return "|".join(f"{key}#$#{value}" for key, value in sorted(dict(pairs).items()))


def _field_pairs(value: Any) -> tuple[tuple[str, str], ...]:
    items = value if isinstance(value, list | tuple) else [value]
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(item, str) for item in value):
        return ((value[0], value[1]),)
    pairs: list[tuple[str, str]] = []
    for item in items:
        if isinstance(item, list | tuple):
            if len(item) != 2:
                raise ValueError(f"a pair (field, new name) is needed, not {len(item)} items")
            pairs.append((as_text(item[0]), as_text(item[1])))
        elif isinstance(item, str):
            pairs.append((item, item))
        else:
            raise TypeError(f"a field name or a pair (field, new name) is needed, not {kind_of(item)}")
    return tuple(pairs)


FieldPairs = Annotated[tuple[tuple[str, str], ...], Kind("a field name, or a list of names and pairs (field, new name)", _field_pairs)]
Precision = Annotated[str, choice_of("time_precision", ("s", "ms", "us", "ns"))]
