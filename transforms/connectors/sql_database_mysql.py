"""MySQL and MariaDB over PyMySQL."""

from __future__ import annotations

import datetime
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import pymysql
import sqlalchemy as sa
from pymysql.constants import CR, ER
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from transforms.connectors import sql_types
from transforms.connectors.sql_database_decode import decode_text
from transforms.connectors.sql_database_dialect import DatabaseDialect, RemoteColumn, ServerReport, compare
from transforms.connectors.sql_database_failure import Failure
from transforms.core.errors import ParameterInvalid, StoreRejected
from transforms.core.secret import MASK
from transforms.core.suggest import suggestion
from transforms.stores.external_store import Condition, TableSize

__all__ = ["MysqlDialect"]

# Strict, so that no value is cut or replaced; a written 0 is a 0 and not "the next number".
_SQL_MODE = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 300
_HURRIED = "logsluice hurried"
_BINLOG_BY_STATEMENT = 1665
_IDLE_SECONDS = 60
_LOCK_SECONDS = 75  # longer than somebody may stand still while holding the lock
_EXACT_IN_DOUBLE = 2**53
_IDENTIFIED = re.compile(r"\sIDENTIFIED\s.*", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"'[^']*'")

_PASSING = {
    CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR, CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_SERVER_LOST_EXTENDED,
    ER.CON_COUNT_ERROR, ER.SERVER_SHUTDOWN, ER.RECORD_FILE_FULL, ER.DISK_FULL, ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, ER.TOO_MANY_USER_CONNECTIONS, 1927, 0,
}  # fmt: skip
_WAITED = {ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, ER.RECORD_FILE_FULL, ER.DISK_FULL}
_HINTS = {
    CR.CR_CONN_HOST_ERROR: "check the store's host and port, and that the server admits this machine's address",
    CR.CR_CONNECTION_ERROR: "check the store's host and port, and that the server admits this machine's address",
    ER.ACCESS_DENIED_ERROR: "check the store's username and password",
    ER.HOST_NOT_PRIVILEGED: "add this machine's address to those the server admits",
    ER.DBACCESS_DENIED_ERROR: "check the store's db, or let its user into that database",
    ER.TABLEACCESS_DENIED_ERROR: "let the store's user read (SELECT) or write (INSERT; DELETE where rows are replaced) the table",
    ER.COLUMNACCESS_DENIED_ERROR: "let the store's user read (SELECT) or write (INSERT) the column",
    ER.BAD_DB_ERROR: "check the store's parameter db",
    ER.NO_SUCH_TABLE: "check the store's parameter table",
    ER.DUP_ENTRY: "nothing was written; rows are only ever added, so leave out those that are there, or empty the table first",
    ER.DATA_TOO_LONG: "nothing was written; shorten the value or widen the column",
    ER.WARN_DATA_OUT_OF_RANGE: "nothing was written; the column's type is too small for the value",
    ER.TRUNCATED_WRONG_VALUE_FOR_FIELD: "nothing was written; the column's type or character set has no such value",
    ER.BAD_NULL_ERROR: "nothing was written; use coalesce(…) or let the column be NULL",
    ER.UNKNOWN_TIME_ZONE: "give the store's timezone as an offset such as +08:00, or load the server's time zone tables",
    ER.LOCK_WAIT_TIMEOUT: "another transaction holds the table; try again",
    ER.LOCK_DEADLOCK: "nothing was written; try again",
    ER.RECORD_FILE_FULL: "nothing was written; make room in the database and try again",
    ER.DISK_FULL: "nothing was written; make room on the server's disk and try again",
    _BINLOG_BY_STATEMENT: "set the server's binlog_format to ROW or MIXED",
}


class MysqlDialect(DatabaseDialect):
    """Reads with a cursor that keeps rows on the server, values as undecoded bytes; writes in strict mode."""

    name = "mysql"
    rows_per_insert = 10_000
    keys_per_delete = 500

    def engine(self) -> sa.Engine:
        parameter = self.descriptor.parameter
        if not parameter.get("host"):
            raise ParameterInvalid(
                f"ExternalStore {self.descriptor.name!r} has no host",
                hint="set the parameter host to the database's address: the id of a managed instance cannot be looked up from here",
            )
        zone = parameter.get("timezone") or "+00:00"
        url = sa.URL.create(
            "mysql+pymysql", username=parameter.get("username"), host=parameter["host"], port=int(parameter.get("port") or 3306),
            database=parameter["db"], query={"charset": "utf8mb4"},
        )  # fmt: skip
        engine = sa.create_engine(
            url,
            pool_size=4,
            max_overflow=12,
            pool_pre_ping=True,
            pool_recycle=1800,
            hide_parameters=True,
            connect_args={
                "conv": encoders,
                "connect_timeout": _CONNECT_SECONDS,
                "read_timeout": _ANSWER_SECONDS,
                "write_timeout": _ANSWER_SECONDS,
                "local_infile": False,
            },
        )
        password = self.descriptor.password

        @sa.event.listens_for(engine, "do_connect")
        def reveal(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
            parameters["password"] = password.reveal()

        @sa.event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("set session sql_mode = %s, session time_zone = %s", (_SQL_MODE, zone))

        @sa.event.listens_for(engine, "checkin")
        def calm(connection: Any, record: Any) -> None:
            # What `begin_commit` sets is not for those who get the connection next; one that is gone is noticed when it is taken.
            if connection is not None and record.info.pop(_HURRIED, False):
                with suppress(pymysql.err.Error), connection.cursor() as cursor:
                    cursor.execute("set session wait_timeout = default, session innodb_lock_wait_timeout = default")

        return engine

    def address(self) -> str:
        parameter = self.descriptor.parameter
        return f"mysql {parameter.get('host')}:{parameter.get('port') or 3306}/{parameter['db']}.{parameter['table']}"

    def table(self, columns: Sequence[str]) -> Any:
        parameter = self.descriptor.parameter
        return sa.table(parameter["table"], *map(sa.column, columns), schema=parameter["db"])

    def columns(self, connection: sa.Connection) -> tuple[RemoteColumn, ...]:
        found = []
        names = {"db": self.descriptor.parameter["db"], "tab": self.descriptor.parameter["table"]}
        for name, type_text, nullable, extra in self.rows(
            connection,
            "select column_name, column_type, is_nullable, extra from information_schema.columns "
            "where table_schema = :db and table_name = :tab order by ordinal_position",
            **names,
        ):
            extra = extra.lower()
            generated = "generated" in extra and "default_generated" not in extra
            kind = sql_types.from_database("mysql", type_text)
            found.append(RemoteColumn(name, kind, nullable == "YES", "auto_increment" in extra, generated))
        if not found:
            others = [
                row[0]
                for row in self.rows(
                    connection, "select table_name from information_schema.tables where table_schema = :db", db=names["db"]
                )
            ]
            raise StoreRejected(
                f"ExternalStore {self.descriptor.name!r}: the user sees no table {names['tab']!r} in the database {names['db']!r}",
                hint=suggestion(names["tab"], others, "table") or "check the parameters db and table, and the user's grants",
            )
        return tuple(found)

    def size(self, connection: sa.Connection) -> TableSize:
        parameter = self.descriptor.parameter
        for rows, data in self.rows(
            connection,
            "select table_rows, data_length from information_schema.tables where table_schema = :db and table_name = :tab",
            db=parameter["db"], tab=parameter["table"],
        ):  # fmt: skip
            return TableSize(None if rows is None else int(rows), None if data is None else int(data))
        return TableSize(None, None)

    def server(self, connection: sa.Connection) -> ServerReport:
        version, comment, charset, collation, zone, packet = next(
            self.rows(
                connection,
                "select version(), @@version_comment, @@character_set_database, @@collation_database, @@session.time_zone, "
                "@@max_allowed_packet",
            )
        )
        grants = tuple(_without_hashes(row[0]) for row in self.rows(connection, "show grants"))
        warnings = []
        engines = self._engines(connection, self.descriptor.parameter["table"])
        if any(name is not None and not transactional for name, transactional in engines.values()):
            warnings.append("the table's engine has no transactions: it can be read, not written")
        if int(packet) < 2 * 2**20:
            warnings.append(f"max_allowed_packet is only {packet} bytes: long rows may be refused")
        return ServerReport(f"{version} ({comment})", grants, f"{charset} ({collation})", zone, tuple(warnings))

    def _engines(self, connection: sa.Connection, *tables: str) -> dict[str, tuple[str | None, bool]]:
        """For each table that there is its engine, None for a view, and whether that has transactions."""
        found = {
            name: (engine, transactions == "YES")
            for name, engine, transactions in self.rows(
                connection,
                "select t.table_name, t.engine, e.transactions from information_schema.tables t "
                "left join information_schema.engines e on e.engine = t.engine where t.table_schema = :db and t.table_name in (:one, :other)",
                db=self.descriptor.parameter["db"], one=tables[0], other=tables[-1],
            )
        }  # fmt: skip
        folded = {name.casefold(): engine for name, engine in found.items()}
        asked = {table: found.get(table, folded.get(table.casefold())) for table in tables}
        return {table: engine for table, engine in asked.items() if engine is not None}

    def before_write(self, connection: sa.Connection) -> None:
        self._look_up_longest_row(connection)
        self._insist_on_transactions(self._engines(connection, self.descriptor.parameter["table"]))

    def before_commit(self, connection: sa.Connection, records: str) -> None:
        self._look_up_longest_row(connection)
        table = self.descriptor.parameter["table"]
        engines = self._engines(connection, table, records)
        if engines.get(table, (None, False))[0] is None:
            raise StoreRejected(
                f"ExternalStore {self.descriptor.name!r}: {table!r} is a view: whether its rows are changed in one transaction is not known",
                hint="make a store of the table behind it",
            )
        self._insist_on_transactions(engines)

    def _look_up_longest_row(self, connection: sa.Connection) -> None:
        self.longest_row = int(next(self.rows(connection, "select @@max_allowed_packet"))[0])

    def _insist_on_transactions(self, engines: Mapping[str, tuple[str | None, bool]]) -> None:
        for table, (name, transactional) in engines.items():
            if name is not None and not transactional:
                raise StoreRejected(
                    f"ExternalStore {self.descriptor.name!r}: the table {table!r}: its engine {name} has no transactions: "
                    "a failing write would leave half of its rows",
                    hint=f"alter table {table} engine=InnoDB",
                )

    def unique_indexes(self, connection: sa.Connection) -> list[tuple[str, ...]]:
        parameter = self.descriptor.parameter
        parts: dict[str, list[str]] = {}
        for index, column, cut in self.rows(
            connection,
            "select index_name, column_name, sub_part from information_schema.statistics "
            "where table_schema = :db and table_name = :tab and non_unique = 0 order by index_name, seq_in_index",
            db=parameter["db"], tab=parameter["table"],
        ):  # fmt: skip
            parts.setdefault(index, []).append(column if column and cut is None else "")
        return [tuple(columns) for columns in parts.values()]

    def begin_commit(self, connection: sa.Connection) -> None:
        connection.info[_HURRIED] = True
        # A statement sees what others committed before it, and locks the rows it finds, not the gaps between them.
        connection.exec_driver_sql("set transaction isolation level read committed")
        connection.exec_driver_sql(f"set session wait_timeout = {_IDLE_SECONDS}, session innodb_lock_wait_timeout = {_LOCK_SECONDS}")

    @contextmanager
    def streaming(self, connection: sa.Connection) -> Iterator[Any]:
        raw: Any = connection.connection.driver_connection
        raw.use_unicode = False
        cursor = SSCursor(raw)
        done = False
        try:
            yield cursor
            done = True
        finally:
            if done:
                raw.use_unicode = True
                cursor.close()
            else:
                # A cursor, and its result when it is collected, close by reading all the rest: cut the connection instead.
                result: Any = getattr(cursor, "_result", None)
                if result is not None:
                    result.unbuffered_active = False
                    result.connection = None
                cursor.connection = None
                connection.invalidate()

    def decode(self, values: Sequence[Any], column: RemoteColumn) -> Any:
        return decode_text(values, column.type)

    def exact(self, column: RemoteColumn, condition: Condition) -> Any | None:
        family, values = column.type.family, condition.values
        remote: Any = sa.column(column.name)
        if condition.operator in {"is null", "is not null"}:
            if family in {"timestamp", "date"}:
                return None  # a zero date is read as NULL and is none there
            return remote.is_(None) if condition.operator == "is null" else remote.is_not(None)
        if not all(_comparable(family, value) for value in values):
            return None
        if family in {"text", "enum"} and condition.operator not in {"=", "in"}:
            return None  # the order, and what differs, depend on the collation
        return compare(remote, condition)

    def failure(self, error: Exception) -> Failure:
        original = getattr(error, "orig", None) or error
        code, text = _code_and_text(original)
        passing = code in _PASSING or isinstance(original, OSError | pymysql.err.InterfaceError)
        if isinstance(getattr(original, "original_exception", None), socket.gaierror):
            return Failure(text, "the host's name is not known here: check the store's host", passing=True)
        if code == CR.CR_SERVER_LOST and "timed out" in text:
            # Asking again would wait as long again.
            return Failure(
                text, f"the server sent nothing for {_ANSWER_SECONDS} seconds: is the table locked, or a view slow?", passing=True
            )
        hint = _HINTS.get(code) or ("the server went away; try again" if passing else None)
        return Failure(
            text, hint, passing, retry=passing and code not in _WAITED, undone=code == ER.LOCK_DEADLOCK, duplicate=code == ER.DUP_ENTRY
        )

    def driver_errors(self) -> tuple[type[Exception], ...]:
        return (*super().driver_errors(), pymysql.err.Error)


def _code_and_text(error: BaseException) -> tuple[int, str]:
    arguments = error.args
    if len(arguments) >= 2 and isinstance(arguments[0], int):
        return arguments[0], str(arguments[1]) or "the connection is closed"
    return -1, str(error) or type(error).__name__


def _without_hashes(grant: str) -> str:
    """A grant with every quoted text after IDENTIFIED masked: there may be several ways to log in, each with its hash."""
    return _IDENTIFIED.sub(lambda match: _QUOTED.sub(f"'{MASK}'", match[0]), grant)


def _comparable(family: sql_types.Family, value: Any) -> bool:
    """Whether the server compares the column with the value as the engine would."""
    if isinstance(value, bool):
        return False
    if family in {"text", "enum"}:
        return isinstance(value, str)
    if family in {"integer", "unsigned"}:
        return isinstance(value, int)
    if family == "decimal":
        return isinstance(value, int | Decimal)
    if family == "double":
        return (isinstance(value, float) and value - value == 0) or (isinstance(value, int) and abs(value) <= _EXACT_IN_DOUBLE)
    if family in {"timestamp", "date"}:
        return isinstance(value, datetime.date) and getattr(value, "tzinfo", None) is None
    return False
