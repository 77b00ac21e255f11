"""The table ``logsluice_instance`` beside a destination: which instances' rows it holds, and the highest attempt of each job.

One row for each instance and destination, and for each job one without either: its fence. Who writes rows of the job locks that row
first, so that attempts of one job come one after the other, and one that was overtaken sees it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_database_dialect import DatabaseDialect
from transforms.core.durable import durable
from transforms.core.errors import StoreRejected
from transforms.stores.table_commit import LONGEST_ID, TableCommit

__all__ = ["RECORDS_TABLE", "InstanceRecord", "InstanceRecords"]

RECORDS_TABLE = "logsluice_instance"
_KEPT_US = 14 * 86_400_000_000
_FORGOTTEN = 100
"""Old records that one commit removes at most."""
_FORGET_EVERY = 16
"""Attempts between two looks for old records."""


@dataclass(frozen=True)
class InstanceRecord:
    """What is written down of an instance: which attempt of which run wrote how many rows, and how they are found again."""

    run: int
    attempt: int
    found_by: str
    rows: int


class InstanceRecords:
    """The records of one job in one database. Every method but `prepare` works in the connection's open transaction."""

    def __init__(self, dialect: DatabaseDialect, commit: TableCommit) -> None:
        self._dialect = dialect
        self._commit = commit
        destination = dialect.table(())
        self._destination: str = destination.name
        self._table = _table(destination.schema)

    def prepare(self, connection: sa.Connection) -> None:
        """Make the table and the job's row where they are missing. StoreRejected, with what the table's owner has to run, when the
        user may not."""
        if self._trouble(connection) is not None:
            refused = self._create(connection)
            trouble = self._trouble(connection)  # another process may have made it meanwhile
            if trouble is not None:
                reason = self._dialect.failure(refused or trouble).reason
                raise StoreRejected(
                    f"ExternalStore {self._dialect.descriptor.name!r}: the table {RECORDS_TABLE}, which keeps an instance's rows from "
                    f"being written twice, cannot be used: {' '.join(reason.split())}",
                    hint=f"let the store's user SELECT, INSERT, UPDATE and DELETE in this table: {self.definition(connection)}",
                )
        if self._fence(connection) is None:
            with contextlib.suppress(sa.exc.IntegrityError), durable("external-store.create-fence"):
                connection.execute(sa.insert(self._table).values(**self._values("", "", InstanceRecord(0, 0, "", 0), 0)))
                connection.commit()
        connection.rollback()

    def _create(self, connection: sa.Connection) -> Exception | None:
        """Make the table; the database's refusal, None when it did."""
        try:
            with durable("external-store.create-records"):
                connection.execute(sa.schema.CreateTable(self._table, if_not_exists=True))
                connection.commit()
        except self._dialect.driver_errors() as error:
            if self._dialect.failure(error).passing:
                raise
            return error
        finally:
            connection.rollback()
        return None

    def definition(self, connection: sa.Connection) -> str:
        """The statement that makes the table."""
        return " ".join(str(sa.schema.CreateTable(self._table).compile(connection)).split())

    def lock(self, connection: sa.Connection) -> int:
        """Lock the job's row and give its highest attempt; 0 before the first."""
        locked = self._fence(connection, lock=True)
        if locked is None:
            raise StoreRejected(
                f"ExternalStore {self._dialect.descriptor.name!r}: the record of the job {self._commit.job!r} has just been removed",
                hint=f"try again, and leave the rows of {RECORDS_TABLE} alone",
            )
        return locked

    def find(self, connection: sa.Connection) -> InstanceRecord | None:
        """What is written down of the instance."""
        table = self._table.c
        columns = (table.run, table.attempt, table.found_by, table.rows_written)
        row = connection.execute(sa.select(*columns).where(self._of(self._destination, self._commit.instance))).first()
        # MySQL's numbers come as texts: `MysqlDialect.engine`.
        return None if row is None else InstanceRecord(int(row.run), int(row.attempt), str(row.found_by), int(row.rows_written))

    def raise_fence(self, connection: sa.Connection, now_us: int) -> None:
        """From now on attempts below this one are refused."""
        connection.execute(sa.update(self._table).where(self._of("", "")).values(attempt=self._commit.attempt, committed_us=now_us))

    def write(self, connection: sa.Connection, rows: int, now_us: int) -> None:
        """Write down that the instance has its rows, in place of what was written before."""
        commit = self._commit
        connection.execute(sa.delete(self._table).where(self._of(self._destination, commit.instance)))
        record = InstanceRecord(commit.run, commit.attempt, commit.found_by, rows)
        connection.execute(sa.insert(self._table).values(**self._values(self._destination, commit.instance, record, now_us)))

    def forget_old(self, connection: sa.Connection, now_us: int) -> None:
        """Now and then, remove some of the job's records that nobody can ask for any more."""
        if self._commit.attempt % _FORGET_EVERY:
            return
        table = self._table.c
        old = sa.select(table.destination, table.instance).where(
            table.job == self._commit.job, table.instance != "", table.committed_us < now_us - _KEPT_US
        )
        for destination, instance in connection.execute(old.limit(_FORGOTTEN)).all():
            connection.execute(sa.delete(self._table).where(self._of(destination, instance)))

    def _fence(self, connection: sa.Connection, *, lock: bool = False) -> int | None:
        asked = sa.select(self._table.c.attempt).where(self._of("", ""))
        found = connection.execute(asked.with_for_update() if lock else asked).scalar()
        return None if found is None else int(found)

    def _of(self, destination: str, instance: str) -> Any:
        table = self._table.c
        return sa.and_(table.job == self._commit.job, table.destination == destination, table.instance == instance)

    def _values(self, destination: str, instance: str, record: InstanceRecord, now_us: int) -> dict[str, Any]:
        return {
            "job": self._commit.job,
            "destination": destination,
            "instance": instance,
            "run": record.run,
            "attempt": record.attempt,
            "found_by": record.found_by,
            "rows_written": record.rows,
            "committed_us": now_us,
        }

    def _trouble(self, connection: sa.Connection) -> Exception | None:
        """Why the table cannot be read; None when it can. What may pass is raised."""
        try:
            connection.execute(sa.select(self._table).where(sa.false()))
        except self._dialect.driver_errors() as error:
            if self._dialect.failure(error).passing:
                raise
            return error
        finally:
            connection.rollback()
        return None


def _table(schema: str | None) -> sa.Table:
    # Texts are compared byte by byte.
    text = sa.String(LONGEST_ID)
    return sa.Table(
        RECORDS_TABLE,
        sa.MetaData(),
        sa.Column("job", text, primary_key=True),
        sa.Column("destination", text, primary_key=True),
        sa.Column("instance", text, primary_key=True),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("found_by", sa.Text, nullable=False),
        sa.Column("rows_written", sa.BigInteger, nullable=False),
        sa.Column("committed_us", sa.BigInteger, nullable=False),
        schema=schema,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_bin",
    )
