"""The ExternalStore port: a named table that lives elsewhere, readable in SQL and, for databases, writable.

Adapters: `transforms.connectors.sql_database` (MySQL and MariaDB, SQLite, PostgreSQL), `transforms.connectors.csv_table`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from transforms.core.secret import Secret
from transforms.stores.table_commit import TableCommit, TableCommitted

__all__ = ["CheckReport", "Column", "Condition", "ExternalStore", "ExternalStoreDescriptor", "Operator", "TableSize"]

Operator = Literal["=", "<>", "<", "<=", ">", ">=", "in", "is null", "is not null"]


@dataclass(frozen=True)
class ExternalStoreDescriptor:
    """A registered ExternalStore without its password's text; travels to workers.

    Attributes:
        name: the name SQL uses.
        kind: ``rds-vpc`` (MySQL), ``postgresql``, ``sqlite``, ``csv``, ``oss``.
        parameter: the other parameters as registered, all text: host, port, db, table, username, …
        password: where the password is.
    """

    name: str
    kind: str
    parameter: Mapping[str, str]
    password: Secret = Secret()


@dataclass(frozen=True)
class Column:
    """One column of the remote table: its name, the database's own type text, its SQL type here, its Arrow type."""

    name: str
    database_type: str
    sql_type: str
    arrow_type: Any
    nullable: bool = True


@dataclass(frozen=True)
class Condition:
    """``column operator value(s)``: a filter the database may apply. It may let more rows through than the statement
    wants (a collation without case), never fewer: the statement's own filter runs again."""

    column: str
    operator: Operator
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class TableSize:
    """The database's own estimate; None where it has none."""

    rows: int | None
    bytes: int | None


@dataclass(frozen=True)
class CheckReport:
    """What `external-store check` says about a store."""

    store: str
    server: str
    grants: tuple[str, ...]
    character_set: str
    time_zone: str
    columns: tuple[Column, ...]
    size: TableSize
    warnings: tuple[str, ...] = field(default=())


class ExternalStore(Protocol):
    """One ExternalStore, open. Errors name the store, never the password: StoreUnavailable or StoreRejected."""

    descriptor: ExternalStoreDescriptor

    def columns(self) -> tuple[Column, ...]:
        """The remote table's columns in its own order."""
        ...

    def size(self) -> TableSize:
        """An estimate that costs no scan."""
        ...

    def read(self, columns: Sequence[str], conditions: Sequence[Condition] = ()) -> Iterator[Any]:
        """Arrow record batches with just these columns (Arrow types as in `columns`) of the rows that meet all conditions.
        Streams: memory does not grow with the table."""
        ...

    def write(self, batches: Iterable[Any]) -> int:
        """Insert all rows of Arrow record batches in one transaction, columns by **position**; all or nothing. Returns the rows written.

        Number and types of the columns are checked before anything is written.
        """
        ...

    def commit_rows(self, batches: Iterable[Any], commit: TableCommit) -> TableCommitted:
        """Write all rows of an instance, columns by position, once: see `transforms.stores.table_commit`.

        One transaction of the destination's database holds what is removed, what is inserted and the instance's record. A connection that
        is lost, even while committing, is made anew and the record looked up, so that the outcome is known. ``batches`` is read again
        for each try: an iterator is kept in memory, other iterables are not. No batches at all: earlier rows are removed.

        Raises CommitConflict (code ``InstanceSuperseded``) when a later attempt of the job has committed; StoreRejected, with code
        ``InstanceRerunRefused`` when earlier rows cannot be found again; ParameterInvalid when columns do not fit; StoreUnavailable.
        After any of them nothing of this attempt is written, or, after StoreUnavailable alone, the same attempt finds out.
        """
        ...

    def check(self) -> CheckReport:
        """Connect and look."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
