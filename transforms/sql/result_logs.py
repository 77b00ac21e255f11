"""The rows of a result as logs: what ``insert into LOGSTORE(col, …) select …`` appends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transforms.core.errors import QueryFailed
from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.log_group import LogGroup
from transforms.sql.values import cell_text, plain_value

__all__ = ["MOST_INSERTED_LOGS", "logs_of_rows"]

MOST_INSERTED_LOGS = 10_000
"""Rows that one statement may write into a Logstore."""


def logs_of_rows(table: Any, columns: Sequence[str], now_seconds: int) -> LogGroup:
    """A LogGroup with one log per row; ``columns`` name the fields by position.

    A column ``__time__`` gives the event time (whole seconds), else it is ``now_seconds``. NULL means that the log does not have
    the field. Raises QueryFailed when there are too many rows or a time is missing: nothing is written then.
    """
    import pyarrow as pa

    if table.num_rows > MOST_INSERTED_LOGS:
        raise QueryFailed(
            f"the statement selects {table.num_rows:,} rows; into a Logstore one statement writes at most {MOST_INSERTED_LOGS:,}",
            hint="add a LIMIT, group more coarsely, or insert one part of the time range after the other",
            code="TooManyRows",
        )
    out: dict[str, Any] = {}
    seconds = pa.array([now_seconds] * table.num_rows, pa.int64())
    for name, column in zip(columns, table.columns, strict=True):
        if name == TIME:
            if not pa.types.is_integer(column.type) or column.null_count:
                raise QueryFailed("the column for __time__ must be whole Unix seconds in every row", hint="use __time__ or to_unixtime(…)")
            seconds = column.cast(pa.int64())
        else:
            out[column_of(name)] = pa.array([_text(value) for value in column.to_pylist()], pa.string())
    return LogGroup(pa.table({TIME: seconds, TIME_NS: pa.array([0] * table.num_rows, pa.int32()), **out}))


def _text(value: Any) -> str | None:
    return None if value is None else cell_text(plain_value(value))
