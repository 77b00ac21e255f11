"""Streaming a table: the statements (columns and conditions pushed, long ``in`` lists cut), the batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from transforms.connectors.sql_database_dialect import DatabaseDialect, RemoteColumn
from transforms.stores.external_store import Condition

__all__ = ["Query", "plan_read", "stream"]

_ROWS = 10_000
_FETCH = 500
"""Row tuples alive at a time: with more of them than its threshold the garbage collector walks them again and again, at half the speed."""


@dataclass(frozen=True)
class Query:
    """One statement of a read. ``only``: keep only rows whose column has one of these values exactly, and drop the rest."""

    statement: Any
    columns: tuple[RemoteColumn, ...]
    wanted: int
    only: tuple[int, Any] | None = None


def plan_read(
    dialect: DatabaseDialect, columns: Sequence[RemoteColumn], table: Sequence[RemoteColumn], conditions: Sequence[Condition]
) -> list[Query]:
    """The statements that together give each wanted row once.

    A list longer than the dialect's limit is cut into several statements. The database may compare texts without case, so that
    ``A`` of one piece and ``a`` of the next find the same row: each piece keeps only the rows with exactly its own values.
    """
    by_name = {column.name: column for column in table}
    pushed: list[Any] = []
    long: tuple[RemoteColumn, Condition] | None = None
    for condition in conditions:
        column = by_name[condition.column]
        if condition.operator == "in":
            condition = Condition(condition.column, "in", tuple(dict.fromkeys(value for value in condition.values if value is not None)))
            if not condition.values:
                return []
            if len(condition.values) > dialect.longest_list:
                # Values that differ here must differ in the database, or pieces share rows: true of numbers, and seen to for texts.
                plain = all(isinstance(value, str | int | float | Decimal) for value in condition.values)
                if plain and dialect.exact(column, condition) is not None and (long is None or len(long[1].values) > len(condition.values)):
                    long = (column, condition)
                continue
        clause = dialect.exact(column, condition)
        if clause is not None:
            pushed.append(clause)
    if long is None:
        return [Query(_select(dialect, columns, pushed), tuple(columns), len(columns))]
    column, condition = long
    read = list(columns) if column in columns else [*columns, column]
    queries = []
    for start in range(0, len(condition.values), dialect.longest_list):
        piece = Condition(column.name, "in", condition.values[start : start + dialect.longest_list])
        only = (read.index(column), pa.array(piece.values).cast(column.type.arrow_type)) if column.type.arrow_type == pa.string() else None
        statement = _select(dialect, read, [*pushed, dialect.exact(column, piece)])
        queries.append(Query(statement, tuple(read), len(columns), only))
    return queries


def _select(dialect: DatabaseDialect, columns: Sequence[RemoteColumn], clauses: Sequence[Any]) -> Any:
    chosen = [dialect.selected(column) for column in columns] or [sa.literal_column("1")]
    return sa.select(*chosen).select_from(dialect.table([column.name for column in columns])).where(*clauses)


def stream(dialect: DatabaseDialect, connection: sa.Connection, queries: Sequence[Query]) -> Iterator[Any]:
    """The rows of the queries as Arrow record batches, through one driver cursor in one transaction."""
    with dialect.streaming(connection) as cursor:
        for query in queries:
            yield from _batches(dialect, connection, cursor, query)


def _batches(dialect: DatabaseDialect, connection: sa.Connection, cursor: Any, query: Query) -> Iterator[Any]:
    compiled = query.statement.compile(connection, compile_kwargs={"render_postcompile": True})
    parameters = compiled.construct_params()
    cursor.execute(compiled.string, tuple(parameters[name] for name in compiled.positiontup) if compiled.positional else parameters)
    schema = pa.schema([pa.field(column.name, column.type.arrow_type) for column in query.columns[: query.wanted]])
    for count, columns in _fetched(cursor, len(query.columns)):
        arrays = [dialect.decode(values, column) for values, column in zip(columns, query.columns, strict=True)]
        kept = None if query.only is None else _among(arrays[query.only[0]], query.only[1])
        if query.wanted:
            batch = pa.RecordBatch.from_arrays(arrays[: query.wanted], schema=schema)
            batch = batch if kept is None else batch.filter(kept)
        else:
            batch = _only_counted(count if kept is None else kept.true_count)
        if batch.num_rows:
            yield batch


def _among(values: Any, wanted: Any) -> Any:
    # It takes 9 MB, and few reads need it.
    import pyarrow.compute as pc

    return pc.is_in(values, value_set=wanted)


def _fetched(cursor: Any, width: int) -> Iterator[tuple[int, list[list[Any]]]]:
    """The rows as columns: how many, and the values of each of the first ``width`` columns."""
    while True:
        columns: list[list[Any]] = [[] for _ in range(width)]
        count = 0
        while count < _ROWS and (rows := cursor.fetchmany(_FETCH)):
            for column, values in zip(columns, zip(*rows, strict=True), strict=False):
                column.extend(values)
            count += len(rows)
        if not count:
            return
        yield count, columns


def _only_counted(rows: int) -> Any:
    """A batch without columns that knows how many rows it stands for."""
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
