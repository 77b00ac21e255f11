"""Parquet rows as logs: a column is a field; what is no text becomes the text that JSON or ISO 8601 would write."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import column_of
from transforms.formats.records import ROW, Parsed

__all__ = ["ParquetRows", "Rows", "read_rows"]

_BATCH_ROWS = 65_536
_BATCH_CELLS = 2_000_000


@dataclass(frozen=True)
class Rows:
    """Some rows of a Parquet file; ``first`` is the number of the first, from 0."""

    table: Any
    first: int


def read_rows(source: Any, name: str, first: int = 0, stop: int | None = None) -> Iterator[Rows]:
    """Rows from number ``first`` on, up to ``stop``, in bounded batches. Raises ParameterInvalid for a file that is no Parquet or is damaged."""
    try:
        file = pq.ParquetFile(source)
        names = file.schema_arrow.names
        twice = next((column for column in names if names.count(column) > 1), None)
        if twice is not None:
            raise ParameterInvalid(f"{name} has the column {twice!r} twice")
        rows = max(1, min(_BATCH_ROWS, _BATCH_CELLS // max(1, len(names))))
        begin = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if begin + count > first:
                at = begin
                for batch in file.iter_batches(batch_size=rows, row_groups=[group], use_threads=False):
                    skip = max(0, first - at)
                    until = batch.num_rows if stop is None else min(batch.num_rows, stop - at)
                    if skip < until:
                        yield Rows(pa.Table.from_batches([batch.slice(skip, until - skip)]), at + skip)
                    at += batch.num_rows
                    if stop is not None and at >= stop:
                        return
            begin += count
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise ParameterInvalid(f"{name} cannot be read as Parquet: {error}", code="InputDamaged") from error


class ParquetRows:
    """A parser of rows."""

    def parse(self, rows: Rows) -> Parsed:
        """Every row is a log; null = the log does not have the field."""
        columns: dict[str, Any] = {ROW: pl.int_range(rows.table.num_rows, eager=True, dtype=pl.Int64)}
        for name in rows.table.column_names:
            text = _text(rows.table[name])
            if text.null_count < len(text):
                columns[column_of(name)] = pl.Series(values=text)
        return Parsed([pl.DataFrame(columns)] if rows.table.num_rows else [])


def _text(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_string(kind):
        return column
    if pa.types.is_decimal(kind):
        return pa.array([None if value is None else f"{value:f}" for value in column.to_pylist()], pa.string())
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_timestamp(kind):
        # Instants are kept in UTC and written so; a timestamp without zone stays without.
        text = pc.strftime(column.cast(pa.timestamp(kind.unit)), "%Y-%m-%dT%H:%M:%S")
        return pc.binary_join_element_wise(text, "Z", "") if kind.tz else text
    return pa.array([_value_text(value) for value in column.to_pylist()], pa.string())


def _value_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_value_text)
    return _moment_text(value)


def _moment_text(value: date | time | timedelta | Decimal) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return repr(value.total_seconds())
    return value.isoformat() if isinstance(value, date | time) else str(value)
