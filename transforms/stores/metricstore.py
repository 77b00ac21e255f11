"""Metricstore: a Logstore that keeps samples of metrics and nothing else.

A sample is a log of four fields:

* ``__name__``: the metric, ``[a-zA-Z_:][a-zA-Z0-9_:]*``;
* ``__labels__``: ``key#$#value`` pairs in the order of their keys with ``|`` between, empty without labels; a key is
  ``[a-zA-Z_][a-zA-Z0-9_]*``, a value is any text without ``|``;
* ``__time_nano__``: whole nanoseconds since 1970 UTC, which are also the event time. A writer may give seconds, milliseconds or
  microseconds: the number of digits tells the unit;
* ``__value__``: a finite number.

Tags (``__tag__:…``), ``__topic__`` and ``__source__`` may stand beside them. The index is the same for all Metricstores. In SQL
the samples are the table ``"NAME.prom"``, whose labels are a map.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from transforms.stores.index import FieldIndex, Index

__all__ = [
    "LABELS",
    "METRIC_INDEX",
    "NAME",
    "PAIR",
    "SAMPLE_FIELDS",
    "SEPARATOR",
    "TABLE_SUFFIX",
    "TIME_NANO",
    "UNITS",
    "VALUE",
    "check_label_value",
    "decode_labels",
    "encode_labels",
    "is_label_key",
    "is_metric_name",
    "is_time",
    "nanoseconds",
]

NAME: Final = "__name__"
LABELS: Final = "__labels__"
TIME_NANO: Final = "__time_nano__"
VALUE: Final = "__value__"
SAMPLE_FIELDS: Final = (NAME, LABELS, TIME_NANO, VALUE)
PAIR: Final = "#$#"
"""Between a label's key and its value."""
SEPARATOR: Final = "|"
"""Between labels."""
TABLE_SUFFIX: Final = ".prom"
"""What the table of samples is called in SQL: the Metricstore's name and this."""
UNITS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Unit of time → nanoseconds."""
METRIC_INDEX: Final = Index(
    fields={NAME: FieldIndex("text"), LABELS: FieldIndex("text"), TIME_NANO: FieldIndex("long"), VALUE: FieldIndex("double")}
)

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TIME = re.compile(r"\s*[+-]?(\d+)(\.\d*)?\s*", re.ASCII)


def is_metric_name(text: str) -> bool:
    """Whether a metric may have this name."""
    return _METRIC_NAME.fullmatch(text) is not None


def is_label_key(text: str) -> bool:
    """Whether a label may have this key."""
    return _LABEL_KEY.fullmatch(text) is not None


def check_label_value(key: str, value: str) -> None:
    """Raises ValueError for a value that would read as two labels."""
    if SEPARATOR in value:
        raise ValueError(f"the label {key!r} has a | in its value {value[:60]!r}, which separates labels")


def encode_labels(labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Labels as the text of a sample; of two pairs with the same key the later one counts.

    Raises ValueError for a key or a value that a label must not have.
    """
    pairs = dict(labels)
    for key, value in pairs.items():
        if not is_label_key(key):
            raise ValueError(f"{key[:60]!r} is no key of a label: letters, digits and _, not a digit first")
        check_label_value(key, value)
    return SEPARATOR.join(f"{key}{PAIR}{pairs[key]}" for key in sorted(pairs))


def decode_labels(text: str) -> dict[str, str]:
    """The labels of a sample. Raises ValueError for what is no text of labels."""
    labels: dict[str, str] = {}
    for part in text.split(SEPARATOR) if text else ():
        key, pair, value = part.partition(PAIR)
        if not pair or not is_label_key(key):
            raise ValueError(f"{part[:60]!r} is no label: write KEY{PAIR}VALUE with {SEPARATOR} between labels")
        if key in labels:
            raise ValueError(f"the label {key!r} stands there twice")
        labels[key] = value
    return labels


def is_time(text: str) -> bool:
    """Whether a text is a number that can be a time."""
    return _TIME.fullmatch(text) is not None


def nanoseconds(time: str | int | float, unit: str | None = None) -> int:
    """A time as whole nanoseconds. Without a unit the digits before the point tell it: 10 are seconds, 13 ms, 16 µs, 19 ns.

    Raises ValueError for what is no time.
    """
    text = str(time) if isinstance(time, str | int) else format(Decimal(repr(time)), "f")  # no exponent
    matched = _TIME.fullmatch(text) if len(text) <= 60 else None
    if matched is None or isinstance(time, bool):
        raise ValueError(f"a time is a number of seconds, milliseconds, microseconds or nanoseconds, not {text[:60]!r}")
    digits = len(matched[1].lstrip("0"))
    unit = unit or ("s" if digits < 12 else "ms" if digits < 15 else "us" if digits < 18 else "ns")
    return int(Decimal(text.strip()) * UNITS[unit])
