"""What differs between databases, as one interface: connecting, looking up a table, streaming, and understanding refusals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from transforms.connectors import sql_types
from transforms.connectors.sql_database_failure import Failure
from transforms.stores.external_store import Column, Condition, ExternalStoreDescriptor, TableSize

__all__ = ["DatabaseDialect", "RemoteColumn", "ServerReport", "compare"]


@dataclass(frozen=True)
class RemoteColumn:
    """A column of the remote table.

    Attributes:
        name: as the database has it.
        type: see `sql_types`.
        nullable: NULL may be written.
        fills_null: the database replaces a written NULL by a value of its own (a running number).
        generated: computed by the database; it is read and never written.
    """

    name: str
    type: sql_types.ColumnType
    nullable: bool
    fills_null: bool = False
    generated: bool = False

    @property
    def column(self) -> Column:
        return Column(self.name, self.type.database_type, self.type.sql_type, self.type.arrow_type, self.nullable)


@dataclass(frozen=True)
class ServerReport:
    """What a server says of itself and of the store's user."""

    server: str
    grants: tuple[str, ...]
    character_set: str
    time_zone: str
    warnings: tuple[str, ...]


class DatabaseDialect(ABC):
    """One kind of database, for one descriptor."""

    name: sql_types.Dialect
    rows_per_insert = 1000
    """Rows handed to the driver in one `executemany`."""
    longest_list = 1000
    """Values of an ``in`` list in one statement."""
    longest_row: int | None = None
    """Bytes of a row that the server is known to take; `before_write` looks it up."""
    keys_per_delete = 1
    """Keys in one statement that deletes: 1 where the driver sends many statements together."""

    def __init__(self, descriptor: ExternalStoreDescriptor) -> None:
        self.descriptor = descriptor

    @abstractmethod
    def engine(self) -> sa.Engine:
        """A new engine. The password is fetched at each connection and is no part of the engine."""

    @abstractmethod
    def address(self) -> str:
        """Where the table lives, for messages: ``mysql 10.0.0.1:3306/chiji.chiji_user``."""

    @abstractmethod
    def table(self, columns: Sequence[str]) -> Any:
        """The remote table as a SQLAlchemy construct with these columns, quoted when rendered."""

    @abstractmethod
    def columns(self, connection: sa.Connection) -> tuple[RemoteColumn, ...]:
        """The table's columns in its order; StoreRejected when there is no such table."""

    @abstractmethod
    def size(self, connection: sa.Connection) -> TableSize:
        """The database's own estimate, without a scan."""

    @abstractmethod
    def server(self, connection: sa.Connection) -> ServerReport:
        """For `check`."""

    @abstractmethod
    def streaming(self, connection: sa.Connection) -> AbstractContextManager[Any]:
        """A driver cursor that holds no more than a few rows; values come as `decode` wants them. Ends quickly when left early."""

    @abstractmethod
    def decode(self, values: Sequence[Any], column: RemoteColumn) -> Any:
        """One column of fetched rows as an Arrow array of the column's type; what does not fit is NULL."""

    @abstractmethod
    def failure(self, error: Exception) -> Failure:
        """Understand a driver's error."""

    def selected(self, column: RemoteColumn) -> Any:
        """The expression that reads the column."""
        return sa.column(column.name)

    @abstractmethod
    def exact(self, column: RemoteColumn, condition: Condition) -> Any | None:
        """The condition as a SQL expression that keeps every row the engine would keep, None when it cannot be sure of that."""

    def before_write(self, connection: sa.Connection) -> None:  # noqa: B027 - most databases have nothing to refuse
        """Refuse a table that cannot be written all or nothing."""

    def before_commit(self, connection: sa.Connection, records: str) -> None:  # noqa: ARG002
        """Refuse a table, or a table of records beside it, that cannot be changed together in one transaction."""
        self.before_write(connection)

    def unique_indexes(self, connection: sa.Connection) -> list[tuple[str, ...]]:
        """The columns of each index that lets no two rows be equal in them; none that leaves out rows or parts of values."""
        table: Any = self.table(())
        inspector = sa.inspect(connection)
        constraints = inspector.get_unique_constraints(table.name, table.schema)
        found = [tuple(inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"])]
        found += [tuple(unique["column_names"]) for unique in constraints]
        for index in inspector.get_indexes(table.name, table.schema):
            partial = any(option.endswith("_where") and value is not None for option, value in index.get("dialect_options", {}).items())
            if index["unique"] and not partial:
                found.append(tuple(name or "" for name in index["column_names"]))
        return found

    def begin_commit(self, connection: sa.Connection) -> None:  # noqa: B027 - the drivers begin by themselves
        """At the head of a transaction that locks a job's row: nobody who stands still in it keeps others out for long."""

    def driver_errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""
        return (sa.exc.DBAPIError, OSError)

    def rows(self, connection: sa.Connection, statement: str, **values: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a small catalogue query."""
        for row in connection.execute(sa.text(statement), values):
            yield tuple(row)


def compare(remote: Any, condition: Condition) -> Any | None:
    """The condition on a SQLAlchemy column, None when it has no values to compare with."""
    values = condition.values
    if condition.operator == "in":
        return remote.in_(values) if values else None
    if len(values) != 1:
        return None
    return remote.op(condition.operator, is_comparison=True)(sa.bindparam(None, values[0]))
