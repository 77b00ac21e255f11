"""The rows of a result as logs: what ``insert into LOGSTORE(col, …) select …`` appends, and what a scheduled query writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transforms.core.errors import QueryFailed
from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.log_group import MAX_BYTES, MAX_ROWS, LogGroup
from transforms.sql.value_texts import texts_of

__all__ = ["MOST_INSERTED_LOGS", "groups_of_rows", "logs_of_rows", "slices_of"]

MOST_INSERTED_LOGS = 10_000
"""Rows that one statement may write into a Logstore."""
_SECONDS = r"^-?[0-9]{1,18}$"


def logs_of_rows(
    table: Any,
    columns: Sequence[str],
    now_seconds: int,
    *,
    constants: Mapping[str, str] | None = None,
    limit: int | None = MOST_INSERTED_LOGS,
) -> LogGroup:
    """A LogGroup with one log per row of an Arrow table; ``columns`` name the fields by position.

    A column ``__time__`` gives the event time (Unix seconds, as number or text), else it is ``now_seconds``. NULL means that the
    log does not have the field. ``constants`` are fields that every log gets; they win over a column of that name. Raises QueryFailed
    when there are more rows than ``limit`` (None: any number), or one has no time: nothing is written then.
    """
    import pyarrow as pa

    if limit is not None and table.num_rows > limit:
        raise QueryFailed(
            f"the statement selects {table.num_rows:,} rows; into a Logstore one statement writes at most {limit:,}",
            hint="add a LIMIT, group more coarsely, or insert one part of the time range after the other",
            code="TooManyRows",
        )
    rows = table.num_rows
    out: dict[str, Any] = {TIME: pa.repeat(pa.scalar(now_seconds, pa.int64()), rows), TIME_NS: pa.repeat(pa.scalar(0, pa.int32()), rows)}
    for name, column in zip(columns, table.columns, strict=True):
        if name == TIME:
            out[TIME], out[TIME_NS] = _times(column)
        else:
            out[column_of(name)] = texts_of(column)
    for name, text in (constants or {}).items():
        out[column_of(name)] = pa.repeat(pa.scalar(text, pa.string()), rows)
    return LogGroup(pa.table(out))


def groups_of_rows(
    table: Any, columns: Sequence[str], now_seconds: int, *, constants: Mapping[str, str] | None = None
) -> Iterator[LogGroup]:
    """`logs_of_rows` of any number of rows, in groups of bounded size."""
    for part in slices_of(table):
        yield logs_of_rows(part, columns, now_seconds, constants=constants, limit=None)


def slices_of(table: Any) -> Iterator[Any]:
    """An Arrow table cut into tables of at most so many rows and bytes as a LogGroup should have."""
    size = max(table.nbytes // max(table.num_rows, 1), 1)
    step = max(1, min(MAX_ROWS, MAX_BYTES // size))
    for begin in range(0, table.num_rows, step):
        yield table.slice(begin, step)


def _times(column: Any) -> tuple[Any, Any]:
    """Whole seconds and the nanoseconds beside them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, rest = column.type, pa.repeat(pa.scalar(0, pa.int32()), len(column))
    if column.null_count:
        raise _no_time(column, pc.is_null(column))
    if pa.types.is_integer(kind):
        return column.cast(pa.int64()), rest
    if pa.types.is_floating(kind):
        beyond = pc.invert(pc.and_(pc.is_finite(column), pc.less(pc.abs(column), 1e15)))
        if pc.any(beyond).as_py():
            raise _no_time(column, beyond)
        seconds = pc.floor(column)
        # A double tells seconds of our days to the microsecond, no finer.
        micros = pc.min_element_wise(pc.round(pc.multiply(pc.subtract(column, seconds), 1e6)), 999_999)
        return seconds.cast(pa.int64()), pc.multiply(micros.cast(pa.int32()), pa.scalar(1_000, pa.int32()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        other = pc.invert(pc.match_substring_regex(column, _SECONDS))
        if pc.any(other).as_py():
            raise _no_time(column, other)
        return column.cast(pa.int64()), rest
    raise QueryFailed(
        f"the column for __time__ must be Unix seconds; it is a {kind}", hint="use __time__, to_unixtime(…), or cast(… as bigint)"
    )


def _no_time(column: Any, which: Any) -> QueryFailed:
    import pyarrow as pa
    import pyarrow.compute as pc

    row = pc.index(which, pa.scalar(True)).as_py()
    shown = column[row].as_py()
    return QueryFailed(
        f"the column for __time__ must be Unix seconds in every row; in row {row + 1} it is {'NULL' if shown is None else repr(shown)[:60]}",
        hint="use __time__ or to_unixtime(…); coalesce(…) gives rows without a time one",
    )
