"""Consumer groups in the catalogue's database: each step is one transaction under the group's row lock (SQLite: the whole file's).

Time is the database's own, asked for once the lock is held, so that consumers on many machines need no clocks that agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import failures_in_words, make_engine, reading, writing
from transforms.connectors.sql_catalogue_schema import consumer_group, migrate
from transforms.connectors.sql_consumer_group_rows import (
    database_now_us,
    group_of_row,
    insert_group,
    load_group,
    lock_group,
    lock_logstore,
    remove_group,
    store_group,
)
from transforms.consumers.group_machine import GroupMachine
from transforms.consumers.kept_groups import KeptConsumerGroups
from transforms.stores.consumer_group import ConsumerGroup, ShardExtents

__all__ = ["database_now_us", "open_sql_consumer_groups", "sql_consumer_groups"]


def sql_consumer_groups(
    engine: sa.Engine,
    project_name: str,
    logstore_name: str,
    extents: Callable[[], ShardExtents],
    now_us: Callable[[sa.Connection], int] = database_now_us,
) -> KeptConsumerGroups:
    """The groups of one Logstore in a database that has the newest tables; ``extents`` tells the Logstore's shards as they are now.

    Besides the errors of `ConsumerGroups`: NotFound with code ``LogStoreNotExist``, StoreUnavailable, StoreRejected.
    """
    return KeptConsumerGroups(_SqlKeeper(engine, project_name, logstore_name, extents, now_us))


def open_sql_consumer_groups(
    where: str | Path, project_name: str, logstore_name: str, extents: Callable[[], ShardExtents]
) -> KeptConsumerGroups:
    """The groups of one Logstore in a catalogue's database, by URL or by the path of its SQLite file; its tables are made or migrated.

    Errors as in `make_engine` and `migrate`.
    """
    engine = make_engine(where)
    with failures_in_words(engine):
        migrate(engine)
    return sql_consumer_groups(engine, project_name, logstore_name, extents)


class _SqlKeeper:
    """A `GroupKeeper`."""

    def __init__(
        self,
        engine: sa.Engine,
        project_name: str,
        logstore_name: str,
        extents: Callable[[], ShardExtents],
        now_us: Callable[[sa.Connection], int],
    ) -> None:
        self._engine = engine
        self._project = project_name
        self._logstore = logstore_name
        self._extents = extents
        self._now_us = now_us

    @contextmanager
    def step(self, name: str) -> Iterator[GroupMachine]:
        extents = self._extents()  # before the lock: others need not wait for the Logstore
        where = (self._project, self._logstore, name)
        with writing(self._engine) as connection:
            before = load_group(connection, where)
            if extents.version < before.shards_version:
                extents = self._extents()  # someone with newer shards had the lock first
            machine = GroupMachine(before.copy(), extents, self._now_us(connection))
            yield machine
            store_group(connection, where, before, machine.state)

    def insert(self, group: ConsumerGroup) -> None:
        with writing(self._engine) as connection:
            lock_logstore(connection, self._project, self._logstore)
            insert_group(connection, (self._project, self._logstore, group.name), group)

    def remove(self, name: str) -> None:
        where = (self._project, self._logstore, name)
        with writing(self._engine) as connection:
            lock_group(connection, where)
            remove_group(connection, where)

    def groups(self) -> Sequence[ConsumerGroup]:
        of_store = (consumer_group.c.project == self._project, consumer_group.c.logstore == self._logstore)
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(consumer_group).where(*of_store)).all()
        return tuple(sorted((group_of_row(row) for row in rows), key=lambda group: group.name))

    def close(self) -> None:
        self._engine.dispose()
