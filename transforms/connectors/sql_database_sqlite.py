"""SQLite: a database in one file, for the demo, tests and small lookups.

A SQLite column may hold values of any type. A value that is not one of the column's declared type reads as NULL.
"""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa

from transforms.connectors import sql_types
from transforms.connectors.sql_database_decode import decode_each
from transforms.connectors.sql_database_dialect import DatabaseDialect, RemoteColumn, ServerReport, compare
from transforms.connectors.sql_database_failure import Failure
from transforms.core.errors import NotFound, StoreRejected
from transforms.core.suggest import suggestion
from transforms.stores.external_store import Condition, TableSize

__all__ = ["SqliteDialect"]

_BUSY_SECONDS = 10.0
_PASSING = {"database is locked", "database table is locked", "database is busy"}


class SqliteDialect(DatabaseDialect):
    """Reads texts as bytes, so that Arrow decodes whole columns and a text that is not UTF-8 stops nothing."""

    name = "sqlite"

    def _path(self) -> Path:
        return Path(self.descriptor.parameter["db"]).expanduser()

    def engine(self) -> sa.Engine:
        path = self._path()

        def connect() -> sqlite3.Connection:
            if not path.is_file():
                raise NotFound(
                    f"ExternalStore {self.descriptor.name!r}: there is no SQLite file {path}",
                    hint="set the parameter db to the file's path; an absolute one works from every folder",
                    code="ExternalStoreUnreachable",
                )
            # Never creates a file; falls back to reading only where the file may not be written.
            return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)

        return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)

    def address(self) -> str:
        return f"sqlite {self._path()} {self.descriptor.parameter['table']}"

    def table(self, columns: Sequence[str]) -> Any:
        return sa.table(self.descriptor.parameter["table"], *map(sa.column, columns))

    def columns(self, connection: sa.Connection) -> tuple[RemoteColumn, ...]:
        table = self.descriptor.parameter["table"]
        found = []
        rows = list(self.rows(connection, 'select name, type, "notnull", pk, hidden from pragma_table_xinfo(:tab)', tab=table))
        keys = sum(1 for row in rows if row[3])
        for name, type_text, required, key, hidden in rows:
            if hidden == 1:
                continue
            numbered = bool(key) and keys == 1 and type_text.strip().lower() == "integer"
            kind = sql_types.from_database("sqlite", type_text)
            found.append(RemoteColumn(name, kind, not required, numbered, hidden in {2, 3}))
        if not found:
            others = [row[0] for row in self.rows(connection, "select name from sqlite_master where type in ('table', 'view')")]
            raise StoreRejected(
                f"ExternalStore {self.descriptor.name!r}: there is no table {table!r} in {self._path()}",
                hint=suggestion(table, others, "table") or "check the parameters db and table",
            )
        return tuple(found)

    def size(self, connection: sa.Connection) -> TableSize:
        table = self.descriptor.parameter["table"]
        whole = self._path().stat().st_size
        kind = next(
            (row[0] for row in self.rows(connection, "select type from sqlite_master where name = :tab collate nocase", tab=table)), ""
        )
        statement: Any = sa.select(sa.func.max(sa.literal_column("rowid"))).select_from(sa.table(table))
        try:
            # The last row number is found at once, and is the number of rows where none were deleted or numbered by hand.
            rows = connection.execute(statement).scalar() if kind == "table" else None
        except sa.exc.OperationalError:  # a table without row numbers
            return TableSize(None, whole)
        return TableSize(max(0, int(rows or 0)) if kind == "table" else None, whole)

    def server(self, connection: sa.Connection) -> ServerReport:
        encoding = next(self.rows(connection, "pragma encoding"))[0]
        warnings = []
        only_read = not _writable(self._path())
        if only_read:
            warnings.append("the file may not be written by this user: the store can be read, not written")
        grants = ("read",) if only_read else ("read", "write")
        return ServerReport(
            f"SQLite {sqlite3.sqlite_version}", grants, str(encoding), "none: times are read as they are written", tuple(warnings)
        )

    @contextmanager
    def streaming(self, connection: sa.Connection) -> Iterator[Any]:
        raw: Any = connection.connection.driver_connection
        raw.text_factory = bytes
        try:
            with closing(raw.cursor()) as cursor:
                cursor.execute("begin")
                yield cursor
        finally:
            raw.text_factory = str
            raw.rollback()

    def decode(self, values: Sequence[Any], column: RemoteColumn) -> Any:
        kind = column.type
        try:
            if kind.family == "timestamp" or kind.family == "date":
                return pa.array(values, pa.string()).cast(kind.arrow_type)
            if kind.family == "decimal":
                return pa.array(values, pa.float64()).cast(kind.arrow_type)
            return pa.array(values, kind.arrow_type)
        except (pa.ArrowException, TypeError, OverflowError):
            return decode_each(values, kind.arrow_type, _converter(kind))

    def exact(self, column: RemoteColumn, condition: Condition) -> Any | None:
        family, values = column.type.family, condition.values
        remote: Any = sa.column(column.name)
        if condition.operator == "is not null":
            return remote.is_not(None)
        if condition.operator == "is null" or not values:
            return None  # what does not fit the column is read as NULL too
        if family == "text" and condition.operator in {"=", "in"} and all(isinstance(value, str) for value in values):
            # A blob with the same bytes is read as the same text.
            return remote.in_([*values, *(value.encode() for value in values)])
        if family == "integer" and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            return compare(remote, condition) if all(-(2**63) <= value < 2**63 for value in values) else None
        if family == "double" and all(isinstance(value, float) and value - value == 0 for value in values):
            return compare(remote, condition)
        return None

    def failure(self, error: Exception) -> Failure:
        original = getattr(error, "orig", None) or error
        text = str(original)
        if any(part in text for part in _PASSING):
            return Failure(text, "another process is writing; try again", passing=True)
        if "readonly" in text:
            return Failure(text, "let this user write the file and its folder")
        if "UNIQUE constraint" in text or "PRIMARY KEY" in text:
            hint = "nothing was written; rows are only ever added, so leave out those that are there, or empty the table first"
            return Failure(text, hint, duplicate=True)
        if "disk is full" in text or "disk I/O" in text:
            return Failure(text, "nothing was written; make room on the disk and try again", passing=True)
        if "constraint" in text:
            return Failure(text, "nothing was written; a value breaks a rule of the table")
        if isinstance(original, OSError) or "unable to open" in text:
            return Failure(text, "check the file's path and permissions")
        return Failure(text)

    def begin_commit(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("begin immediate")

    def driver_errors(self) -> tuple[type[Exception], ...]:
        return (*super().driver_errors(), sqlite3.Error)


def _writable(path: Path) -> bool:
    try:
        with path.open("r+b"):
            return True
    except OSError:
        return False


def _converter(kind: sql_types.ColumnType) -> Callable[[Any], Any]:
    if kind.family == "integer":
        return _integer
    if kind.family in {"double", "number", "float"}:
        return lambda value: float(value) if isinstance(value, int | float) else None
    if kind.family == "decimal":
        return lambda value: _decimal(value, kind.arrow_type)
    if kind.family == "timestamp":
        return _timestamp
    if kind.family == "date":
        return _date
    if kind.arrow_type == pa.binary():
        return lambda value: value if isinstance(value, bytes) else str(value).encode()
    return _text


def _integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer() and -(2.0**63) <= value < 2.0**63:
        return int(value)
    return value if isinstance(value, int) else None


def _text(value: Any) -> str | None:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _decimal(value: Any, arrow_type: Any) -> Decimal | None:
    try:
        number = Decimal(value.decode() if isinstance(value, bytes) else repr(value))
        number = number.quantize(Decimal(1).scaleb(-arrow_type.scale))
    except (InvalidOperation, UnicodeDecodeError):
        return None
    return number if number.is_finite() and number.adjusted() < arrow_type.precision - arrow_type.scale else None


def _timestamp(value: Any) -> datetime.datetime | None:
    """ISO text, or seconds since 1970; a text with an offset is turned to UTC."""
    try:
        if isinstance(value, bytes):
            moment = datetime.datetime.fromisoformat(value.decode())
            return moment if moment.tzinfo is None else moment.astimezone(datetime.UTC).replace(tzinfo=None)
        return datetime.datetime.fromtimestamp(value, datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None


def _date(value: Any) -> datetime.date | None:
    moment = _timestamp(value)
    return None if moment is None else moment.date()
