"""Rows of a database as text: a table or a SELECT, streamed into Arrow columns, each cell as the database prints it.

Reads are made in a transaction that may not write. Nothing here waits or tries again: a StoreUnavailable says that it may help.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NoReturn

import pyarrow as pa
import sqlalchemy as sa

from transforms.connectors.sql_database import dialect_of
from transforms.core.errors import LogsluiceError, NotFound, StoreRejected
from transforms.core.secret import MASK, Secret
from transforms.core.suggest import suggestion
from transforms.stores.external_store import ExternalStoreDescriptor

__all__ = ["TextDatabase", "TextQuery", "TextRows"]

_ROWS = 10_000
_FETCH = 500
_FETCH_BYTES = 4 * 2**20
_BATCH_BYTES = 16 * 2**20
_STORE = "rows"
_MYSQL_BIT = 16
_MYSQL_FLOAT = 4
_END = re.compile(r"[\s;]+\Z")


@dataclass(frozen=True)
class TextQuery:
    """What to read.

    Attributes:
        table, sql: one of them; a SELECT goes as it is.
        fields: (column, name) pairs of a table, None = all columns by their own names.
        grows: a column that is read besides the others, for `TextRows.grown`.
        since: only rows whose ``grows`` is at least (``inclusive``) or more than this.
    """

    table: str | None = None
    sql: str | None = None
    fields: tuple[tuple[str, str], ...] | None = None
    grows: str | None = None
    since: Any = None
    inclusive: bool = True


@dataclass(frozen=True)
class TextRows:
    """Some rows: a record batch of text views, and beside it the values of the column that grows (bytes, text or numbers).

    ``rounded``: the database prints that column with fewer digits than it holds.
    """

    batch: Any
    grown: Sequence[Any] | None = None
    rounded: bool = False


class TextDatabase:
    """One database and how to get in.

    Args:
        kind: ``rds-vpc`` (MySQL, MariaDB), ``postgresql``, ``sqlite``.
        parameter: host, port, username and db; of SQLite the file's path as db.
        password: the text or a reference; a reference is looked up at each connection.
        use_ssl: only over TLS; the server's certificate is not verified.
    """

    def __init__(self, kind: str, parameter: dict[str, str], password: str, *, use_ssl: bool = False) -> None:
        self._password = _Password(password)
        self._kind = kind
        self._parameter = parameter
        self._dialect = self._opened("")
        self._use_ssl = use_ssl and kind != "sqlite"
        self._engine: sa.Engine | None = None

    def __repr__(self) -> str:
        return f"<TextDatabase {self.address}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an open database does not travel: it may hold a password")

    @property
    def address(self) -> str:
        """Where it is, for messages."""
        place = self._parameter
        if self._kind == "sqlite":
            return f"sqlite {place['db']}"
        return f"{self._dialect.name} {place['host']}:{place['port']}/{place['db']}"

    def read(self, query: TextQuery) -> Iterator[TextRows]:
        """Stream the rows, at least one batch (perhaps of no rows). Raises StoreRejected, StoreUnavailable, ParameterInvalid."""
        with self._connected() as connection:
            statement, values = self._statement(connection, query)
            with self._dialect.streaming(connection) as cursor:
                if self._dialect.name == "postgresql":
                    connection.exec_driver_sql("set transaction read only")
                else:
                    cursor.execute("start transaction read only" if self._dialect.name == "mysql" else "pragma query_only = 1")
                cursor.execute(statement, values)
                yield from self._fetched(cursor, query)

    def close(self) -> None:
        """Let go of connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _opened(self, table: str) -> Any:
        return dialect_of(ExternalStoreDescriptor(_STORE, self._kind, {**self._parameter, "table": table}, self._password))

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            if self._engine is None:
                self._engine = self._secured(self._dialect.engine())
            with self._engine.connect() as connection:
                try:
                    yield connection
                except self._dialect.driver_errors():
                    connection.invalidate()
                    raise
        except LogsluiceError as error:
            raise self._mine(type(error), error.message, error.hint, error.code) from None
        except self._dialect.driver_errors() as error:
            mine = self._dialect.failure(error).error(_STORE, "reading failed")
            raise self._mine(type(mine), mine.message, mine.hint) from None

    def _mine(self, kind: type[LogsluiceError], reason: str, hint: str | None, code: str | None = None) -> LogsluiceError:
        if self._kind == "sqlite" and kind is NotFound:
            hint = "the address is sqlite:PATH; an absolute path works from every folder"
        reason = reason.removeprefix(f"ExternalStore {_STORE!r}: ").replace(f"ExternalStore {_STORE!r}", "the connector")
        text = self._password.scrubbed(f"the database {self.address}: {reason.removeprefix('reading failed: ')}")
        return kind(text, hint=None if hint is None else hint.replace("the store's ", "the "), code=code)

    def _secured(self, engine: sa.Engine) -> sa.Engine:
        @sa.event.listens_for(engine, "do_connect")
        def secure(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
            if self._dialect.name == "mysql":
                parameters["password"] = self._password.reveal().encode("utf-8", "surrogateescape")  # the driver would take it for Latin-1
                if self._use_ssl:
                    context = ssl.create_default_context()
                    context.check_hostname = False
                    context.verify_mode = ssl.CERT_NONE
                    parameters["ssl"] = context
            elif self._use_ssl:
                parameters["sslmode"] = "require"

        return engine

    def _statement(self, connection: sa.Connection, query: TextQuery) -> tuple[str, tuple[Any, ...]]:
        """The statement and its values, as the driver takes them."""
        name: Literal["mysql", "sqlite", "postgresql"] = self._dialect.name
        quote = connection.dialect.identifier_preparer.quote_identifier
        place = "?" if name == "sqlite" else "%s"
        where, values = "", list[Any]()
        if query.table is not None and query.sql is None:
            table = self._opened(query.table)
            columns = table.columns(connection)
            known = {column.name: column for column in columns}
            wanted = [(self._column(known, column, query.table), shown) for column, shown in query.fields or zip(known, known, strict=True)]
            grows = None if query.grows is None else self._column(known, query.grows, query.table)
            chosen = [f"{self._text(quote(column), known[column])} as {quote(shown)}" for column, shown in wanted]
            chosen += [] if grows is None else [self._text(quote(grows), known[grows])]
            source = connection.dialect.identifier_preparer.format_table(table.table(()))
        else:
            sql = _END.sub("", query.sql or "")
            sql = sql if name == "sqlite" else sql.replace("%", "%%")
            if query.since is None and name != "postgresql":
                return sql, ()
            source, grows = f"({sql}\n) as logsluice_rows", query.grows
            chosen = ["*"]
            if name == "postgresql":
                found = connection.exec_driver_sql(f"select * from {source} limit 0", ()).keys()
                chosen = [f"cast({quote(column)} as text) as {quote(column)}" for column in found]
        if query.since is not None and grows is not None:
            since = str(query.since) if name == "sqlite" and isinstance(query.since, Decimal) else query.since
            where, values = f" where {quote(grows)} {'>=' if query.inclusive else '>'} {place}", [since]
        return f"select {', '.join(chosen)} from {source}{where}", tuple(values)

    def _text(self, quoted: str, column: Any) -> str:
        if self._dialect.name != "postgresql" or column.type.family == "binary":
            return quoted
        return f"cast({quoted} as text)"

    def _column(self, known: dict[str, Any], name: str, table: str) -> str:
        if name in known:
            return name
        alike = [column for column in known if column.casefold() == name.casefold()]
        if len(alike) == 1 and self._dialect.name != "postgresql":
            return alike[0]
        raise StoreRejected(f"the table {table!r} has no column {name!r}", hint=suggestion(name, known, "column"))

    def _fetched(self, cursor: Any, query: TextQuery) -> Iterator[TextRows]:
        described = self._described(cursor)
        if not described:
            raise StoreRejected("the statement gives no rows", hint="sql is one SELECT")
        names = [column[0] for column in described]
        grows = len(names) - 1 if query.grows is not None and query.sql is None else None
        if query.grows is not None and query.sql is not None:
            alike = [number for number, name in enumerate(names) if name.casefold() == query.grows.casefold()]
            if not alike:
                raise StoreRejected(f"the SELECT gives no column {query.grows!r}", hint=suggestion(query.grows, names, "column"))
            grows = alike[0]
        wanted = names[:-1] if grows is not None and query.sql is None else names
        for name in wanted:
            if wanted.count(name) > 1:
                raise StoreRejected(f"two columns are called {name!r}", hint="name one of them otherwise: SELECT a.id AS a_id, …")
        types = [column[1] if self._dialect.name == "mysql" else None for column in described]
        rounded = grows is not None and types[grows] == _MYSQL_FLOAT
        for columns in self._columns(cursor, len(names)):
            arrays = [_text_of(values, bits=types[number] == _MYSQL_BIT) for number, values in enumerate(columns[: len(wanted)])]
            batch = pa.RecordBatch.from_arrays(arrays, names=wanted)
            yield TextRows(batch, None if grows is None else columns[grows], rounded)

    def _described(self, cursor: Any) -> list[Any]:
        if self._dialect.name == "postgresql":
            cursor = cursor._cursor
        return [(name.decode() if isinstance(name, bytes) else name, *rest) for name, *rest in cursor.description or ()]

    def _columns(self, cursor: Any, width: int) -> Iterator[list[list[Any]]]:
        """The rows as columns of values, a batch's worth at a time, by rows and by bytes; at least once."""
        fetch, first = 10, True
        while True:
            columns: list[list[Any]] = [[] for _ in range(width)]
            size = 0
            while len(columns[0]) < _ROWS and size < _BATCH_BYTES and (rows := cursor.fetchmany(fetch)):
                for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                    column.extend(values)
                # The longest of a few rows stands for all: cells are seldom long, and looking at each would cost more than reading it.
                longest = max(sum(len(cell) for cell in row if isinstance(cell, bytes | str)) for row in rows[:: max(1, len(rows) // 5)])
                size += longest * len(rows)
                fetch = max(1, min(_FETCH, _FETCH_BYTES // max(1, longest)))
            if not columns[0] and not first:
                return
            yield columns
            first = False


class _Password(Secret):
    """A password that was handed over as text, or as a reference. Shows and pickles neither."""

    def __init__(self, given: str) -> None:
        object.__setattr__(self, "reference", given if given.startswith(("env:", "file:")) else "")
        object.__setattr__(self, "_given", given)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a password does not travel")

    def reveal(self) -> str:
        given: str = getattr(self, "_given")  # noqa: B009 - not a field: a frozen dataclass would show it
        return super().reveal() if self.reference else given

    def scrubbed(self, text: str) -> str:
        """The text without the password, should a server repeat it."""
        given: str = getattr(self, "_given")  # noqa: B009
        return text if self.reference or len(given) < 4 else text.replace(given, MASK)


def _text_of(values: Sequence[Any], *, bits: bool = False) -> Any:
    """A column of cells as text views."""
    if bits:
        values = [None if value is None else str(int.from_bytes(value, "big")) for value in values]
    try:
        return pa.array(values, pa.string_view())
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        # Numbers (SQLite), or bytes that are no UTF-8.
        return pa.array([None if value is None else _cell(value) for value in values], pa.string_view())


def _cell(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else str(value)
