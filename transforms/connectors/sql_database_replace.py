"""Removing the rows that an earlier run of an instance wrote, and refusing rows that a later one would not find again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from transforms.connectors.sql_database_dialect import DatabaseDialect, RemoteColumn
from transforms.connectors.sql_database_write import Refusal, driver_values, same_schema
from transforms.core.errors import ParameterInvalid, StoreRejected
from transforms.core.interval import Interval

__all__ = ["WindowOfColumn", "check_keys_unique", "delete_equal", "delete_keys", "wall_seconds"]

_STEP = 900
_DAY = 86_400
"""Clocks are set at quarters of an hour, and by less than a day."""


def check_keys_unique(dialect: DatabaseDialect, connection: sa.Connection, keys: Sequence[RemoteColumn]) -> None:
    """StoreRejected unless an index makes just these columns unique: by it rows are found, and two rows with one key are noticed."""
    names = {column.name for column in keys}
    indexes = dialect.unique_indexes(connection)
    if not any(set(index) == names for index in indexes):
        listed = ", ".join(column.name for column in keys)
        others = "; ".join(f"({', '.join(index)})" for index in dict.fromkeys(indexes) if index) or "none"
        raise StoreRejected(
            f"ExternalStore {dialect.descriptor.name!r}: no PRIMARY KEY or UNIQUE index is over just the key columns {listed}",
            hint=f"create unique index {'_'.join(column.name for column in keys)[:50]} on {dialect.table(()).name} ({listed}); there are: {others}",
        )


def delete_equal(dialect: DatabaseDialect, connection: sa.Connection, column: str, value: str) -> int:
    """Remove rows by one column's value; returns how many."""
    words = _Words(dialect, connection)
    return words.execute(f"delete from {words.table} where {words.quoted(column)} = {words.place}", [value])


def delete_keys(
    dialect: DatabaseDialect,
    connection: sa.Connection,
    columns: Sequence[RemoteColumn],
    keys: Sequence[RemoteColumn],
    first: Any,
    more: Iterable[Any],
) -> None:
    """Remove the rows whose keys occur in batches of the table's ``columns``. StoreRejected for a key that is NULL."""
    words = _Words(dialect, connection)
    places = [(columns.index(key), key) for key in keys]
    for batch in same_schema(dialect.descriptor.name, first, more):
        for start in range(0, batch.num_rows, dialect.rows_per_insert):
            piece = batch.slice(start, dialect.rows_per_insert)
            for place, key in places:
                if piece.column(place).null_count:
                    refuse = Refusal(dialect.descriptor.name, key)
                    raise refuse("NULL", "it is a key column, and no row is equal to NULL: use coalesce(…)")
            values = [driver_values(dialect, key, piece.column(place)) for place, key in places]
            words.delete_keys([key.name for key in keys], list(zip(*values, strict=True)))


class WindowOfColumn:
    """A window ``[from, to)`` as values of one column: whole seconds, or wall-clock times in the store's time zone.

    Raises ParameterInvalid for a column of another type, StoreRejected when clocks are set back so that the window's wall-clock times
    also occur outside of it: the rows of a neighbouring window would be taken for its own.
    """

    def __init__(self, dialect: DatabaseDialect, column: RemoteColumn, window: Interval) -> None:
        self._dialect = dialect
        self._column = column
        self._clock = column.type.family == "timestamp"
        store, zone = dialect.descriptor.name, dialect.descriptor.parameter.get("timezone") or "UTC"
        if not self._clock and column.type.family not in {"integer", "unsigned"}:
            raise ParameterInvalid(
                f"ExternalStore {store!r}: the window column {column.name} is {column.type.database_type}",
                hint="a window column is a bigint with Unix seconds, or a datetime or timestamp in the store's time zone",
            )
        self._start, self._end = window.start, window.end
        if self._clock:
            self._start, self._end = wall_seconds([window.start, window.end], zone)
            if _occurs_outside(window, zone):
                raise StoreRejected(
                    f"ExternalStore {store!r}: in the store's time zone {zone} the clocks are set back, and times of the window "
                    f"{self} occur twice",
                    hint=f"make {column.name} a bigint with Unix seconds, or use a store with the time zone +00:00",
                )

    def __str__(self) -> str:
        start, end = self._bounds()
        return f"[{start}, {end})"

    def _bounds(self) -> tuple[Any, Any]:
        if not self._clock:
            return self._start, self._end
        first, last = pa.array([self._start, self._end], pa.timestamp("s")).cast(pa.string()).to_pylist()
        return first, last

    def delete(self, connection: sa.Connection) -> int:
        """Remove the rows inside; returns how many."""
        words = _Words(self._dialect, connection)
        column = words.quoted(self._column.name)
        statement = f"delete from {words.table} where {column} >= {words.place} and {column} < {words.place}"
        return words.execute(statement, list(self._bounds()))

    def check(self, array: Any) -> None:
        """StoreRejected for a value outside: it would not be found again."""
        refuse = Refusal(self._dialect.descriptor.name, self._column)
        why = f"every row's {self._column.name} must lie in the instance's window {self}, by which a re-run finds the row again"
        if array.null_count:
            raise refuse("NULL", why)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if self._clock:
            if pa.types.is_timestamp(array.type) and array.type.tz is not None:
                zone = self._dialect.descriptor.parameter.get("timezone") or "UTC"
                array = pc.local_timestamp(array.cast(pa.timestamp("us", zone)))
            values = array.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
            unit = 1_000_000
        else:
            values, unit = array.cast(pa.int64(), safe=False), 1
        outside = pc.or_(pc.less(values, self._start * unit), pc.greater_equal(values, self._end * unit))
        if pc.any(outside).as_py():
            raise refuse(array.filter(outside)[0].as_py(), why)


def wall_seconds(seconds: Sequence[int], zone: str) -> list[int]:
    """What clocks in a time zone show at Unix times, as seconds since 1970 of that clock."""
    shown = pc.local_timestamp(pa.array(seconds, pa.int64()).cast(pa.timestamp("s", zone))).cast(pa.int64())
    walls: list[int] = shown.to_pylist()
    return walls


def _occurs_outside(window: Interval, zone: str) -> bool:
    """Whether clocks that are set back show times of the window also before or after it, or only then."""
    start, end = wall_seconds([window.start, window.end], zone)
    first, last = (window.start - _DAY) // _STEP * _STEP, window.end + _DAY
    moments = sorted({*range(first, last, _STEP), window.start, window.end, last})
    for moment, after, wall in zip(moments, moments[1:], wall_seconds(moments[:-1], zone), strict=False):
        low, high = (start, end) if moment in window else (end, wall + _DAY) if moment >= window.end else (wall - _DAY, start)
        if wall < low or wall + after - moment > high:
            return True
    return False


class _Words:
    """Statements on the destination as the driver takes them: without types that the database should find by itself."""

    def __init__(self, dialect: DatabaseDialect, connection: sa.Connection) -> None:
        self._dialect = dialect
        self._connection = connection
        preparer: Any = connection.dialect.identifier_preparer
        self.table: str = preparer.format_table(dialect.table(()))
        self.quoted = preparer.quote_identifier
        self.place = "?" if dialect.name == "sqlite" else "%s"

    def execute(self, statement: str, values: Sequence[Any]) -> int:
        """Run it; returns the rows touched."""
        cursor: Any = self._connection.connection.cursor()
        try:
            cursor.execute(statement, values)
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def delete_keys(self, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Remove the rows with these keys: as many in one statement as the database likes."""
        one = " and ".join(f"{self.quoted(name)} = {self.place}" for name in names)
        most = self._dialect.keys_per_delete
        cursor: Any = self._connection.connection.cursor()
        try:
            if most == 1:
                cursor.executemany(f"delete from {self.table} where {one}", rows)
                return
            for start in range(0, len(rows), most):
                some = rows[start : start + most]
                if len(names) == 1:
                    condition = f"{self.quoted(names[0])} in ({', '.join([self.place] * len(some))})"
                else:
                    condition = " or ".join([f"({one})"] * len(some))
                cursor.execute(f"delete from {self.table} where {condition}", [value for row in some for value in row])
        finally:
            cursor.close()
