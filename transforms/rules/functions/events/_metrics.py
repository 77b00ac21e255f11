"""The parts of a sample of a metric, for `e_to_metric`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

from transforms.rules.kinds import Kind, choice_of
from transforms.rules.values import as_text, kind_of
from transforms.stores.metricstore import UNITS, is_label_key, is_metric_name

__all__ = ["LabelPairs", "MetricPairs", "Precision", "number_text"]


def number_text(text: str) -> str:
    """A number as samples hold it: ``123`` is ``123.0``. Raises ValueError for what is no finite number."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the value of a sample is a finite number, not {text[:60]!r}")
    return str(number)


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


def _pairs_with(is_name: Callable[[str], bool], what: str, rule: str) -> Callable[[Any], tuple[tuple[str, str], ...]]:
    def convert(value: Any) -> tuple[tuple[str, str], ...]:
        pairs = _field_pairs(value)
        for field, name in pairs:
            if not is_name(name):
                raise ValueError(f"{what} cannot be called {name[:60]!r} ({rule}); write the pair ({field[:60]!r}, 'another_name')")
        return pairs

    return convert


_PAIRS = "a field name, or a list of names and pairs (field, new name)"
MetricPairs = Annotated[
    tuple[tuple[str, str], ...], Kind(_PAIRS, _pairs_with(is_metric_name, "a metric", "letters, digits, _ and :, not a digit first"))
]
LabelPairs = Annotated[
    tuple[tuple[str, str], ...], Kind(_PAIRS, _pairs_with(is_label_key, "a label", "letters, digits and _, not a digit first"))
]
Precision = Annotated[str, choice_of("time_precision", tuple(UNITS))]
