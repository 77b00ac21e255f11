"""Values that databases send as text become Arrow columns, a whole column at a time.

Letting Arrow read the numbers and dates out of bytes is faster than letting the driver make a Python object of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from transforms.connectors.sql_types import ColumnType

__all__ = ["decode_each", "decode_text"]


def decode_text(values: Sequence[bytes | str | None], kind: ColumnType) -> Any:
    """Texts as the database prints them (or bytes, for binary types) to the column's Arrow type; what is no such value is NULL."""
    if kind.arrow_type == pa.binary():
        return pa.array(values, pa.binary())
    try:
        texts = pa.array(values, pa.string())
    except pa.ArrowInvalid:
        # Not UTF-8: only a column whose server-side character set lies about its bytes.
        return decode_each(values, kind.arrow_type, _utf8)
    if kind.arrow_type == pa.string():
        return texts
    try:
        return texts.cast(kind.arrow_type)
    except pa.ArrowInvalid:
        return _cast_each(texts, kind.arrow_type)


def _utf8(value: bytes | str) -> str | None:
    try:
        return value if isinstance(value, str) else value.decode()
    except UnicodeDecodeError:
        return None


def _cast_each(texts: Any, arrow_type: Any) -> Any:
    """Cast with NULL for what does not cast, distinct value by distinct value: a zero date comes in millions or not at all."""
    encoded = texts.dictionary_encode()
    converted = [_cast_one(value, arrow_type) for value in encoded.dictionary]
    return pa.concat_arrays(converted).take(encoded.indices) if converted else pa.nulls(len(texts), arrow_type)


def _cast_one(value: Any, arrow_type: Any) -> Any:
    try:
        return pa.array([value.as_py()], pa.string()).cast(arrow_type)
    except pa.ArrowInvalid:
        return pa.nulls(1, arrow_type)


def decode_each(values: Sequence[Any], arrow_type: Any, convert: Callable[[Any], Any]) -> Any:
    """The slow, careful way for a column with surprises: ``convert`` gives a value or None for each that is not NULL."""
    return pa.array([None if value is None else convert(value) for value in values], arrow_type)
