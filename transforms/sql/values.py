"""Result values as programs and people get them.

=============  ==========================================================
SQL type       JSON value
=============  ==========================================================
bigint         number
double         number; ``"NaN"``, ``"Infinity"``, ``"-Infinity"`` as text
decimal        number where that is exact, else text
boolean        true, false
varchar, json  text
timestamp      text ``YYYY-MM-DD HH:MM:SS.mmm``, in the session's zone
date, time     text, ISO 8601
varbinary      text, base64
array, row     array
map            object; keys as text
NULL           null
=============  ==========================================================
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
import math
from collections.abc import Iterator
from typing import Any

__all__ = ["cell_text", "plain_rows", "plain_value"]


def plain_value(value: Any) -> Any:
    """One value as plain JSON (floats may still be NaN or infinite)."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        # A row (struct) is an array of its values, as the service shows it.
        return [plain_value(part) for part in value.values()]
    if isinstance(value, list):
        if value and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
            return {key_text(key): plain_value(part) for key, part in value}
        return [plain_value(part) for part in value]
    return str(value)


def key_text(key: Any) -> str:
    """A map's key as text."""
    plain = plain_value(key)
    if isinstance(plain, str):
        return plain
    return json.dumps(plain, ensure_ascii=False)


def plain_rows(table: Any, batch_rows: int = 8_192) -> Iterator[list[Any]]:
    """The rows of an Arrow table as lists of plain values; batch by batch, so that a long result stays columnar in memory."""
    for batch in table.to_batches(max_chunksize=batch_rows):
        columns = [_plain_column(column) for column in batch.columns]
        yield from (list(row) for row in zip(*columns, strict=True)) if columns else ([] for _ in range(batch.num_rows))


def _plain_column(column: Any) -> list[Any]:
    import pyarrow as pa

    values: list[Any] = column.to_pylist()
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values
    if pa.types.is_map(kind):
        # An empty map is an empty list of pairs, which only its type tells from an empty array.
        return [None if value is None else {key_text(k): plain_value(v) for k, v in value} for value in values]
    return [plain_value(value) for value in values]


def cell_text(value: Any) -> str:
    """A plain value as the text of a table's cell or of a CSV field."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _decimal(value: decimal.Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value():
        return int(value) if abs(value) < 2**63 else str(value)
    near = float(value)
    return near if decimal.Decimal(repr(near)) == value else str(value)
