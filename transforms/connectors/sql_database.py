"""ExternalStores in SQL databases: MySQL and MariaDB, SQLite, PostgreSQL.

Reads stream Arrow batches, writes are one transaction. Connections are pooled for each process and store; a store holds a descriptor
only, so that it travels to workers and connects there. The password is fetched from its reference at each connection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa

from transforms.connectors.sql_database_dialect import DatabaseDialect, RemoteColumn
from transforms.connectors.sql_database_failure import Failure
from transforms.connectors.sql_database_read import plan_read, stream
from transforms.core.durable import durable
from transforms.core.errors import LogsluiceError, ParameterInvalid, StoreUnavailable
from transforms.core.suggest import suggestion
from transforms.stores.external_store import CheckReport, Column, Condition, ExternalStoreDescriptor, TableSize
from transforms.stores.table_commit import TableCommit, TableCommitted

__all__ = ["SqlDatabaseStore", "dialect_of", "open_sql_database"]

SMALL_BYTES = 20 * 2**20
"""Above this a table is large for a join."""
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
_PATIENT = (*_PAUSES, 3.2, 6.4)
"""For a commit, which has computed rows to lose: as long as a server takes to start again."""
_Answer = TypeVar("_Answer")
_engines: dict[tuple[object, ...], sa.Engine] = {}


def open_sql_database(descriptor: ExternalStoreDescriptor) -> SqlDatabaseStore:
    """The store behind a descriptor of kind ``rds-vpc``, ``postgresql`` or ``sqlite``. Connects when first used."""
    return SqlDatabaseStore(descriptor)


def dialect_of(descriptor: ExternalStoreDescriptor) -> DatabaseDialect:
    """What is special about the descriptor's kind of database."""
    if descriptor.kind == "sqlite":
        from transforms.connectors.sql_database_sqlite import SqliteDialect

        return SqliteDialect(descriptor)
    if descriptor.kind == "postgresql":
        from transforms.connectors.sql_database_postgresql import PostgresqlDialect

        return PostgresqlDialect(descriptor)
    from transforms.connectors.sql_database_mysql import MysqlDialect

    return MysqlDialect(descriptor)


class SqlDatabaseStore:
    """One table of a database, as an ExternalStore."""

    def __init__(self, descriptor: ExternalStoreDescriptor) -> None:
        self.descriptor = descriptor
        self._dialect = dialect_of(descriptor)
        self._table: tuple[RemoteColumn, ...] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (open_sql_database, (self.descriptor,))

    def __repr__(self) -> str:
        return f"<ExternalStore {self.descriptor.name} at {self._dialect.address()}>"

    def columns(self) -> tuple[Column, ...]:
        """The table's columns; looked up once for each opened store."""
        return tuple(column.column for column in self._columns())

    def size(self) -> TableSize:
        """The database's own estimate."""
        return self._retried("reading its size", self._dialect.size)

    def read(self, columns: Sequence[str], conditions: Sequence[Condition] = ()) -> Iterator[Any]:
        """Stream record batches of about 10,000 rows. A server that restarts before the first row is waited for; one that goes away
        later is a StoreUnavailable, since rows have been handed out."""
        by_name = {column.name: column for column in self._columns()}
        for name in [*columns, *(condition.column for condition in conditions)]:
            if name not in by_name:
                raise ParameterInvalid(
                    f"ExternalStore {self.descriptor.name!r} has no column {name!r}", hint=suggestion(name, by_name, "column")
                )
        queries = plan_read(self._dialect, [by_name[name] for name in columns], self._columns(), conditions)
        return self._read(queries)

    def _read(self, queries: Sequence[Any]) -> Iterator[Any]:
        pauses = iter(_PAUSES)
        while queries:
            started = False
            try:
                with self._connected("reading") as connection:
                    for batch in stream(self._dialect, connection, queries):
                        started = True
                        yield batch
                return
            except _Again as again:
                pause = next(pauses, None)
                if started or pause is None:
                    raise again.error from None
                time.sleep(pause)

    def write(self, batches: Iterable[Any]) -> int:
        """Insert in one transaction. ParameterInvalid before anything is written when number or types of columns do not fit;
        StoreRejected or StoreUnavailable with nothing written, except where a lost connection leaves a commit's outcome unknown:
        the message then says so."""
        remote = [column for column in self._columns() if not column.generated]
        incoming = iter(batches)
        first = next(incoming, None)
        if first is None:
            return 0
        name = self.descriptor.name
        from transforms.connectors.sql_database_write import check_schema, insert_rows

        check_schema(name, remote, first.schema)
        self._retried("writing", self._dialect.before_write)
        committing = False
        try:
            with self._connected("writing") as connection:
                transaction = connection.begin()
                try:
                    written = insert_rows(self._dialect, connection, remote, first, incoming)
                    with durable("external-store.commit"):
                        committing = True
                        transaction.commit()
                        committing = False
                finally:
                    if transaction.is_active:
                        transaction.close()
                return written
        except _Again as again:
            if committing:
                raise StoreUnavailable(
                    f"ExternalStore {name!r}: the connection was lost while committing: it is unknown whether the rows were written",
                    hint="look into the table before writing again",
                ) from None
            raise again.error from None

    def commit_rows(self, batches: Iterable[Any], commit: TableCommit) -> TableCommitted:
        """See `ExternalStore.commit_rows`. A transaction that the server undid or lost is started over, for some seconds."""
        repeatable = list(batches) if isinstance(batches, Iterator) else batches
        from transforms.connectors.sql_database_commit import InstanceWriter

        writer = InstanceWriter(self._dialect, self._columns(), commit)
        writer.check(repeatable)
        self._retried("preparing to write", writer.prepare)
        pauses = iter(_PATIENT)
        unsure = False
        while True:
            try:
                with self._connected("writing", lambda failure: failure.retry or failure.undone) as connection:
                    transaction = connection.begin()
                    try:
                        self._dialect.begin_commit(connection)
                        done = writer.write(connection, repeatable)
                        with durable("external-store.commit"):
                            self._commit(connection, transaction)
                    finally:
                        if transaction.is_active:
                            transaction.close()
                # Found by its record after a commit that did not answer: it was this call that wrote it.
                return replace(done, applied=done.applied or (unsure and done.attempt == commit.attempt))
            except _Again as again:
                unsure = unsure or again.committing
                pause = next(pauses, None)
                if pause is None and not unsure:
                    raise again.error from None
                if pause is None:
                    raise StoreUnavailable(
                        f"ExternalStore {self.descriptor.name!r}: the connection was lost while committing, and the database has not "
                        f"come back: {again.error.message}",
                        hint="try again with the same attempt: the record in the database tells whether its rows are there",
                    ) from None
                time.sleep(pause)

    def _commit(self, connection: sa.Connection, transaction: sa.Transaction) -> None:
        """Commit. Whatever happens, it may be done: _Again, so that somebody looks."""
        try:
            transaction.commit()
        except self._dialect.driver_errors() as error:
            failure = self._dialect.failure(error)
            if not failure.passing:
                raise
            connection.invalidate()
            raise _Again(failure.error(self.descriptor.name, f"committing in {self._dialect.address()} failed"), committing=True) from None

    def check(self) -> CheckReport:
        """Connect and ask the server about itself, the user's rights and the table."""
        columns = self.columns()
        report = self._retried("checking", self._dialect.server)
        size = self.size()
        warnings = list(report.warnings)
        if size.bytes is not None and size.bytes > SMALL_BYTES:
            warnings.append(
                f"the table has about {size.bytes / 2**20:.0f} MB, joins are made for up to 20 MB: select few columns and filter them"
            )
        return CheckReport(
            self.descriptor.name, report.server, report.grants, report.character_set, report.time_zone, columns, size, tuple(warnings)
        )

    def close(self) -> None:
        """Close this process's pooled connections to the store's database."""
        engine = _engines.pop(self._engine_key(), None)
        if engine is not None:
            engine.dispose()

    def _columns(self) -> tuple[RemoteColumn, ...]:
        if self._table is None:
            self._table = self._retried("looking up its table", self._dialect.columns)
        return self._table

    def _engine_key(self) -> tuple[object, ...]:
        descriptor = self.descriptor
        server = {key: value for key, value in descriptor.parameter.items() if key != "table"}
        return (os.getpid(), descriptor.kind, descriptor.name, descriptor.password, *sorted(server.items()))

    def _engine(self) -> sa.Engine:
        key = self._engine_key()
        if key not in _engines:
            _engines[key] = self._dialect.engine()
        return _engines[key]

    @contextmanager
    def _connected(self, what: str, again: Callable[[Failure], bool] = attrgetter("retry")) -> Iterator[sa.Connection]:
        """A pooled connection; the driver's errors inside become _Again (those that ``again`` holds for) or ours."""
        try:
            with self._engine().connect() as connection:
                try:
                    yield connection
                except self._dialect.driver_errors() as error:
                    if self._dialect.failure(error).passing:
                        connection.invalidate()
                    raise
        except LogsluiceError:
            raise
        except self._dialect.driver_errors() as error:
            self._refuse(error, what, again)

    def _refuse(self, error: Exception, what: str, again: Callable[[Failure], bool]) -> NoReturn:
        failure = self._dialect.failure(error)
        mine = failure.error(self.descriptor.name, f"{what} {self._dialect.address()} failed")
        if failure.passing and again(failure):
            raise _Again(mine) from None
        raise mine from None

    def _retried(self, what: str, ask: Callable[[sa.Connection], _Answer]) -> _Answer:
        """The answer of a short question that changes nothing, asked again while the server restarts."""
        pauses = iter(_PAUSES)
        while True:
            try:
                with self._connected(what) as connection:
                    return ask(connection)
            except _Again as again:
                pause = next(pauses, None)
                if pause is None:
                    raise again.error from None
                time.sleep(pause)


class _Again(Exception):
    """The server did not answer, in a way that may pass within seconds."""

    def __init__(self, error: LogsluiceError, *, committing: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.committing = committing
