"""One instance's rows into a table, in one transaction with the instance's record. The contract: `transforms.stores.table_commit`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_database_dialect import DatabaseDialect, RemoteColumn
from transforms.connectors.sql_database_records import RECORDS_TABLE, InstanceRecord, InstanceRecords
from transforms.connectors.sql_database_replace import WindowOfColumn, check_keys_unique, delete_equal, delete_keys
from transforms.connectors.sql_database_write import check_schema, insert_rows, same_schema
from transforms.core.clock import SystemClock
from transforms.core.errors import CommitConflict, ParameterInvalid, StoreRejected
from transforms.core.suggest import suggestion
from transforms.stores.table_commit import TableCommit, TableCommitted

__all__ = ["InstanceWriter"]


class InstanceWriter:
    """Carries out one commit. `prepare` and `write` may be called again, on other connections.

    Args:
        columns: all of the table's.

    Raises ParameterInvalid when the commit names columns that cannot be what it wants them for.
    """

    def __init__(self, dialect: DatabaseDialect, columns: Sequence[RemoteColumn], commit: TableCommit) -> None:
        self._dialect = dialect
        self._commit = commit
        self._records = InstanceRecords(dialect, commit)
        self._keys = [_named(dialect, columns, name, "key column") for name in commit.key_columns]
        for key in self._keys:
            if key.type.family in {"float", "double", "number", "any"}:
                raise ParameterInvalid(
                    f"ExternalStore {dialect.descriptor.name!r}: the key column {key.name} is {key.type.database_type or 'without a type'}",
                    hint="keys are compared, and such values are not equal to what was written: use whole numbers, decimals, texts or times",
                )
        self._window: WindowOfColumn | None = None
        self._constants: dict[str, str] = {}
        written = [column for column in columns if not column.generated]
        if commit.window_column:
            column = _named(dialect, columns, commit.window_column, "window column")
            self._window, self._window_at = WindowOfColumn(dialect, column, commit.window), written.index(column)
        if commit.instance_column:
            column = _named(dialect, columns, commit.instance_column, "instance column")
            _check_takes_id(dialect, column, commit.instance)
            written.remove(column)
            self._constants = {column.name: commit.instance}
        self._written = written

    def check(self, batches: Iterable[Any]) -> None:
        """ParameterInvalid when the rows cannot go into the columns by position."""
        for batch in batches:
            check_schema(self._dialect.descriptor.name, self._written, batch.schema)
            return

    def prepare(self, connection: sa.Connection) -> None:
        """Outside the transaction: refuse what cannot be done whole, and have the table of records ready."""
        self._dialect.before_commit(connection, RECORDS_TABLE)
        if self._keys:
            check_keys_unique(self._dialect, connection, self._keys)
        connection.rollback()
        self._records.prepare(connection)

    def write(self, connection: sa.Connection, batches: Iterable[Any]) -> TableCommitted:
        """Do it all in the open transaction; the caller commits it, also when there was nothing to do."""
        commit, records, now_us = self._commit, self._records, SystemClock().now_us()
        highest = records.lock(connection)
        record = records.find(connection)
        if record is not None and record.attempt == commit.attempt:
            return TableCommitted(record.rows, False, record.attempt)
        if highest > commit.attempt:
            raise CommitConflict(
                f"ExternalStore {self._dialect.descriptor.name!r}: attempt {commit.attempt} of the job {commit.job!r} was overtaken: "
                f"attempt {highest} has committed",
                hint="nothing of this attempt was written; let the later one finish",
                code="InstanceSuperseded",
            )
        records.raise_fence(connection, now_us)
        if not commit.replaces and (record is not None or commit.succeeded_before):
            return self._once(record)
        rows = self._replace(connection, batches, record)
        records.write(connection, rows, now_us)
        records.forget_old(connection, now_us)
        return TableCommitted(rows, True, commit.attempt)

    def _once(self, record: InstanceRecord | None) -> TableCommitted:
        """Rows that cannot be found again are written by one run alone."""
        if record is not None and (record.run >= self._commit.run or not self._commit.succeeded_before):
            return TableCommitted(record.rows, False, record.attempt)
        raise self._refused(
            "has written its rows in an earlier run, and nothing tells them from others",
            "set keyColumns, windowColumn or instanceColumn to have them replaced",
        )

    def _replace(self, connection: sa.Connection, batches: Iterable[Any], record: InstanceRecord | None) -> int:
        first, more = _first_of(batches)
        removed: int | None = None
        if self._window is not None:
            removed = self._window.delete(connection)
        for column, value in self._constants.items():
            removed = delete_equal(self._dialect, connection, column, value)
        if removed is not None and record is not None and record.found_by != self._commit.found_by and removed < record.rows:
            found_by = (
                f"by the {self._commit.found_by.partition(' ')[0]} column {self._commit.window_column or self._commit.instance_column}"
            )
            raise self._refused(
                f"wrote {record.rows} rows in an earlier run, when they were found otherwise, and only {removed} are found {found_by}",
                f"remove those rows and the instance's row of {RECORDS_TABLE} by hand, then run it again",
            )
        if first is None:
            return 0
        if self._keys:
            delete_keys(self._dialect, connection, self._written, self._keys, first, more)
            first, more = _first_of(batches)
        try:
            checked = self._checked(first, more)
            return insert_rows(self._dialect, connection, self._written, next(checked), checked, self._constants)
        except self._dialect.driver_errors() as error:
            failure = self._dialect.failure(error)
            if not failure.duplicate or not self._commit.replaces:
                raise
            raise StoreRejected(
                f"ExternalStore {self._dialect.descriptor.name!r}: {' '.join(failure.reason.split())}",
                hint="nothing was written; two rows of the result have the same key as the database compares it (letters' case, accents, "
                "emoji and trailing blanks may not count), or a row of another instance has it",
            ) from None

    def _checked(self, first: Any, more: Iterable[Any]) -> Iterator[Any]:
        for batch in same_schema(self._dialect.descriptor.name, first, more):
            if self._window is not None:
                self._window.check(batch.column(self._window_at))
            yield batch

    def _refused(self, why: str, hint: str) -> StoreRejected:
        return StoreRejected(
            f"ExternalStore {self._dialect.descriptor.name!r}: the instance {self._commit.instance!r} {why}",
            hint=hint,
            code="InstanceRerunRefused",
        )


def _first_of(batches: Iterable[Any]) -> tuple[Any, Iterator[Any]]:
    more = iter(batches)
    return next(more, None), more


def _named(dialect: DatabaseDialect, columns: Sequence[RemoteColumn], name: str, what: str) -> RemoteColumn:
    """The column of a name; where the database does not care for case, neither is it cared for here."""
    found = [column for column in columns if column.name == name]
    if not found and dialect.name != "postgresql":
        found = [column for column in columns if column.name.casefold() == name.casefold()]
    store = dialect.descriptor.name
    if not found:
        raise ParameterInvalid(
            f"ExternalStore {store!r} has no column {name!r} to be the {what}",
            hint=suggestion(name, [column.name for column in columns], "column"),
        )
    if found[0].generated:
        raise ParameterInvalid(
            f"ExternalStore {store!r}: the {what} {name} is computed by the database", hint="name a column that the result's rows fill"
        )
    return found[0]


def _check_takes_id(dialect: DatabaseDialect, column: RemoteColumn, instance: str) -> None:
    kind = column.type
    short = (kind.characters is not None and kind.characters < len(instance)) or (
        kind.octets is not None and kind.octets < len(instance.encode())
    )
    if kind.family not in {"text", "any"} or short:
        raise ParameterInvalid(
            f"ExternalStore {dialect.descriptor.name!r}: the instance column {column.name} {kind.database_type} cannot hold the id "
            f"{instance!r}",
            hint=f"make it varchar({max(64, len(instance))})",
        )
