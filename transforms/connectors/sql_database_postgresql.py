"""PostgreSQL over psycopg, which is an extra of the package. Values travel as PostgreSQL prints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa

from transforms.connectors import sql_types
from transforms.connectors.sql_database_decode import decode_text
from transforms.connectors.sql_database_dialect import DatabaseDialect, RemoteColumn, ServerReport, compare
from transforms.connectors.sql_database_failure import Failure
from transforms.core.errors import ParameterInvalid, StoreRejected
from transforms.core.suggest import suggestion
from transforms.stores.external_store import Condition, TableSize

__all__ = ["PostgresqlDialect"]

_CONNECT_SECONDS = 10
_IDLE_SECONDS = 60
_LOCK_SECONDS = 75  # longer than somebody may stand still while holding the lock
_FIND = """
select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = :tab and n.nspname = coalesce(nullif(:schema, ''), current_schema()) and c.relkind in ('r', 'p', 'v', 'm', 'f')
"""
_PASSING = {"53100", "53300", "57P01", "57P02", "57P03", "25P03", "40001", "40P01", "55P03"}
_UNDONE = {"40001", "40P01"}
_HINTS = {
    "28P01": "check the store's username and password",
    "28000": "check the store's username and password, and that the server admits this machine's address",
    "3D000": "check the store's parameter db",
    "42P01": "check the store's parameters table and schema",
    "42501": "let the store's user read (SELECT) or write (INSERT; DELETE where rows are replaced) the table",
    "23505": "nothing was written; rows are only ever added, so leave out those that are there, or empty the table first",
    "53100": "nothing was written; make room on the server's disk and try again",
    "55P03": "another transaction holds the table; try again",
    "22001": "nothing was written; shorten the value or widen the column",
    "22003": "nothing was written; the column's type is too small for the value",
    "23502": "nothing was written; use coalesce(…) or let the column be NULL",
    "57P03": "the server is starting or stopping; try again",
}


class PostgresqlDialect(DatabaseDialect):
    """Reads through a cursor of the server, 10,000 rows at a time."""

    name = "postgresql"
    rows_per_insert = 10_000

    def engine(self) -> sa.Engine:
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise ParameterInvalid(
                f"ExternalStore {self.descriptor.name!r} is of type postgresql, and psycopg is not installed",
                hint="pip install 'logsluice[postgresql]', here and on the workers",
            ) from None
        parameter = self.descriptor.parameter
        if not parameter.get("host"):
            raise ParameterInvalid(
                f"ExternalStore {self.descriptor.name!r} has no host",
                hint="set the parameter host to the database's address: the id of a managed instance cannot be looked up from here",
            )
        url = sa.URL.create(
            "postgresql+psycopg", username=parameter.get("username"), host=parameter["host"], port=int(parameter.get("port") or 5432),
            database=parameter["db"],
        )  # fmt: skip
        engine = sa.create_engine(
            url, pool_size=4, max_overflow=12, pool_pre_ping=True, pool_recycle=1800, hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS, "client_encoding": "utf8"},
        )  # fmt: skip
        password = self.descriptor.password
        zone = parameter.get("timezone") or "UTC"

        @sa.event.listens_for(engine, "do_connect")
        def reveal(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
            parameters["password"] = password.reveal()

        @sa.event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("select set_config('TimeZone', %s, false), set_config('DateStyle', 'ISO', false)", (_posix_zone(zone),))
            connection.commit()

        return engine

    def address(self) -> str:
        parameter = self.descriptor.parameter
        return f"postgresql {parameter.get('host')}:{parameter.get('port') or 5432}/{parameter['db']} {parameter['table']}"

    def table(self, columns: Sequence[str]) -> Any:
        parameter = self.descriptor.parameter
        return sa.table(parameter["table"], *map(sa.column, columns), schema=parameter.get("schema") or None)

    def _names(self) -> dict[str, str]:
        return {"tab": self.descriptor.parameter["table"], "schema": self.descriptor.parameter.get("schema", "")}

    def columns(self, connection: sa.Connection) -> tuple[RemoteColumn, ...]:
        found = [
            RemoteColumn(name, sql_types.from_database("postgresql", type_text), not required, False, bool(generated))
            for name, type_text, required, generated in self.rows(
                connection,
                "select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '' "
                f"from pg_catalog.pg_attribute a where a.attrelid = ({_FIND}) and a.attnum > 0 and not a.attisdropped order by a.attnum",
                **self._names(),
            )
        ]
        if not found:
            others = [
                row[0]
                for row in self.rows(
                    connection,
                    "select table_name from information_schema.tables where table_schema = coalesce(nullif(:schema, ''), current_schema())",
                    schema=self._names()["schema"],
                )
            ]
            raise StoreRejected(
                f"ExternalStore {self.descriptor.name!r}: the user sees no table {self._names()['tab']!r}",
                hint=suggestion(self._names()["tab"], others, "table")
                or "check the parameters db, schema and table, and the user's grants",
            )
        return tuple(found)

    def size(self, connection: sa.Connection) -> TableSize:
        found = self.rows(
            connection, f"select reltuples::bigint, pg_table_size(oid) from pg_catalog.pg_class where oid = ({_FIND})", **self._names()
        )
        rows, size = next(found, (-1, None))
        return TableSize(int(rows) if rows >= 0 else None, None if size is None else int(size))

    def server(self, connection: sa.Connection) -> ServerReport:
        version, encoding, zone = next(
            self.rows(connection, "select version(), current_setting('server_encoding'), current_setting('TimeZone')")
        )
        rights = ", ".join(f"has_table_privilege(c.oid, '{right}')" for right in ("select", "insert"))
        row = next(
            self.rows(connection, f"select {rights} from pg_catalog.pg_class c where c.oid = ({_FIND})", **self._names()), (False, False)
        )
        grants = tuple(right for right, granted in zip(("SELECT", "INSERT"), row, strict=True) if granted)
        return ServerReport(version, grants, encoding, zone, ())

    @contextmanager
    def streaming(self, connection: sa.Connection) -> Iterator[Any]:
        raw: Any = connection.connection.driver_connection
        try:
            with _ServerCursors(raw) as cursor:
                yield cursor
        finally:
            if not raw.closed:
                raw.rollback()

    def selected(self, column: RemoteColumn) -> Any:
        plain: Any = sa.column(column.name)
        if column.type.family == "binary":
            return plain
        if column.type.family == "timestamp":
            plain = sa.cast(plain, sa.TIMESTAMP(timezone=False))
        return sa.cast(plain, sa.Text)

    def decode(self, values: Sequence[Any], column: RemoteColumn) -> Any:
        return decode_text(values, column.type)

    def exact(self, column: RemoteColumn, condition: Condition) -> Any | None:
        family, values = column.type.family, condition.values
        remote: Any = sa.column(column.name)
        if condition.operator == "is not null":
            return remote.is_not(None)
        if family == "text" and condition.operator in {"=", "in"} and all(isinstance(value, str) and "\0" not in value for value in values):
            return compare(remote, condition)
        if family == "integer" and all(isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 for value in values):
            return compare(remote, condition)
        return None

    def before_commit(self, connection: sa.Connection, records: str) -> None:  # noqa: ARG002
        kind = next(self.rows(connection, f"select relkind from pg_catalog.pg_class where oid = ({_FIND})", **self._names()), (None,))[0]
        if kind in ("f", b"f"):
            raise StoreRejected(
                f"ExternalStore {self.descriptor.name!r}: {self._names()['tab']!r} is a foreign table: "
                "its rows are not changed in one transaction with others",
                hint="make a store of the table on its own server",
            )

    def begin_commit(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("set transaction isolation level read committed")
        connection.exec_driver_sql(f"set local idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'")
        connection.exec_driver_sql(f"set local lock_timeout = '{_LOCK_SECONDS}s'")

    def failure(self, error: Exception) -> Failure:
        original: Any = getattr(error, "orig", None) or error
        code = getattr(original, "sqlstate", None) or ""
        lost = type(original).__name__ == "OperationalError" and not code
        refused = lost and any(part in str(original) for part in ("authentication failed", "does not exist", "no password supplied"))
        passing = (code in _PASSING or code.startswith("08") or lost or isinstance(original, OSError)) and not refused
        text = str(getattr(getattr(original, "diag", None), "message_primary", None) or original)
        hint = _HINTS.get(code) or ("check the store's host, port, username, password and db" if lost else None)
        retry = passing and code not in {*_UNDONE, "55P03", "53100"}
        return Failure(text, hint, passing, retry, undone=code in _UNDONE, duplicate=code == "23505")

    def driver_errors(self) -> tuple[type[Exception], ...]:
        import psycopg

        return (*super().driver_errors(), psycopg.Error)


class _ServerCursors:
    """One cursor of the server for each statement, behind the two calls a reader makes."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._cursor: Any = None

    def __enter__(self) -> _ServerCursors:
        return self

    def __exit__(self, *_error: object) -> None:
        import psycopg

        if self._cursor is not None:
            # On a lost connection there is nothing to close; the error that told so is already under way.
            with suppress(psycopg.Error):
                self._cursor.close()
            self._cursor = None

    def execute(self, statement: str, parameters: Any) -> None:
        if self._cursor is not None:
            self._cursor.close()
        self._cursor = self._connection.cursor(name="logsluice_read")
        self._cursor.execute(statement, parameters)

    def fetchmany(self, rows: int) -> list[Any]:
        found: list[Any] = self._cursor.fetchmany(rows)
        return found


def _posix_zone(zone: str) -> str:
    """``+08:00`` as PostgreSQL wants it: its signs of plain offsets run the other way round, so the zone is given a name of its own."""
    if zone[:1] in {"+", "-"}:
        return f"<{zone}>{'-' if zone[0] == '+' else '+'}{zone[1:]}"
    return zone
