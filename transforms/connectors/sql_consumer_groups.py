"""Consumer groups in the catalogue's database: each step is one transaction under the group's row lock (SQLite: the whole file's).

Time is the database's own, asked for once the lock is held, so that consumers on many machines need no clocks that agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import failures_in_words, make_engine, reading, writing
from transforms.connectors.sql_catalogue_schema import consumer, consumer_group, logstore, migrate, project, seat
from transforms.consumers import refusals
from transforms.consumers.group_machine import GroupMachine
from transforms.consumers.kept_groups import KeptConsumerGroups
from transforms.core.errors import NotFound
from transforms.core.suggest import suggestion
from transforms.stores.consumer_group import MOST_GROUPS, Consumer, ConsumerGroup, GroupState, Seat, ShardExtents
from transforms.stores.cursor import Cursor

__all__ = ["database_now_us", "open_sql_consumer_groups", "sql_consumer_groups"]

Where = tuple[str, str, str]
"""Project, Logstore, group."""


def database_now_us(connection: sa.Connection) -> int:
    """The database's time, microseconds since 1970 UTC."""
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("select round((julianday('now') - 2440587.5) * 86400000.0)").scalar_one()) * 1_000
    return int(connection.exec_driver_sql("select cast(unix_timestamp(now(6)) * 1000000 as signed)").scalar_one())


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
            before = self._load(connection, where)
            if extents.version < before.shards_version:
                extents = self._extents()  # someone with newer shards had the lock first
            machine = GroupMachine(before.copy(), extents, self._now_us(connection))
            yield machine
            _store(connection, where, before, machine.state)

    def insert(self, group: ConsumerGroup) -> None:
        with writing(self._engine) as connection:
            self._lock_logstore(connection)
            known = self._names(connection)
            if group.name in known:
                raise refusals.group_taken(group.name)
            if len(known) >= MOST_GROUPS:
                raise refusals.too_many_groups()
            connection.execute(
                consumer_group.insert().values(
                    project=self._project, logstore=self._logstore, name=group.name, shards_version=0, **_settings(group)
                )
            )

    def remove(self, name: str) -> None:
        where = (self._project, self._logstore, name)
        with writing(self._engine) as connection:
            self._lock(connection, where)
            connection.execute(consumer_group.delete().where(*_is(consumer_group, "name", where)))
            for table in (consumer, seat):
                connection.execute(table.delete().where(*_is(table, "consumer_group", where)))

    def groups(self) -> Sequence[ConsumerGroup]:
        of_store = (consumer_group.c.project == self._project, consumer_group.c.logstore == self._logstore)
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(consumer_group).where(*of_store)).all()
        return tuple(sorted((_group(row) for row in rows), key=lambda group: group.name))

    def close(self) -> None:
        self._engine.dispose()

    def _load(self, connection: sa.Connection, where: Where) -> GroupState:
        row = self._lock(connection, where)
        consumers = connection.execute(sa.select(consumer).where(*_is(consumer, "consumer_group", where))).all()
        seats = connection.execute(sa.select(seat).where(*_is(seat, "consumer_group", where))).all()
        return GroupState(
            _group(row),
            {each.name: Consumer(each.name, each.incarnation, each.last_beat_us) for each in consumers},
            {each.shard: _seat(each) for each in seats},
            row.shards_version,
        )

    def _lock(self, connection: sa.Connection, where: Where) -> Any:
        row = connection.execute(sa.select(consumer_group).where(*_is(consumer_group, "name", where)).with_for_update()).first()
        if row is None:
            raise refusals.no_group(where[2], self._names(connection))
        return row

    def _lock_logstore(self, connection: sa.Connection) -> None:
        """Stays as it is until the transaction ends: whoever drops a Logstore locks its project first too."""
        connection.execute(sa.select(project.c.project).where(project.c.project == self._project).with_for_update()).first()
        found = sa.select(logstore.c.name).where(logstore.c.project == self._project, logstore.c.name == self._logstore)
        if connection.execute(found).first() is None:
            known = connection.execute(sa.select(logstore.c.name).where(logstore.c.project == self._project)).scalars()
            raise NotFound(
                f"there is no Logstore {self._logstore!r} in the project {self._project!r}",
                hint=suggestion(self._logstore, known, "Logstore"),
                code="LogStoreNotExist",
            )

    def _names(self, connection: sa.Connection) -> list[str]:
        names = sa.select(consumer_group.c.name)
        return list(
            connection.execute(
                names.where(consumer_group.c.project == self._project, consumer_group.c.logstore == self._logstore)
            ).scalars()
        )


def _store(connection: sa.Connection, where: Where, before: GroupState, after: GroupState) -> None:
    """Write the rows that differ."""
    if (before.group, before.shards_version) != (after.group, after.shards_version):
        connection.execute(
            consumer_group.update()
            .where(*_is(consumer_group, "name", where))
            .values(shards_version=after.shards_version, **_settings(after.group))
        )
    _store_rows(connection, where, (consumer, "name"), before.consumers, after.consumers)
    _store_rows(connection, where, (seat, "shard"), before.seats, after.seats)


def _store_rows(connection: sa.Connection, where: Where, into: tuple[sa.Table, str], before: Any, after: Any) -> None:
    table, key = into
    changed = {at: row for at, row in after.items() if before.get(at) != row}
    gone = [at for at in before if at in changed or at not in after]
    if gone:
        connection.execute(table.delete().where(*_is(table, "consumer_group", where), table.c[key].in_(gone)))
    if changed:
        place = dict(zip(("project", "logstore", "consumer_group"), where, strict=True))
        connection.execute(table.insert(), [{**place, **_values(row)} for row in changed.values()])


def _values(row: Consumer | Seat) -> dict[str, Any]:
    if isinstance(row, Consumer):
        return asdict(row)
    return {**asdict(row), "checkpoint": None if row.checkpoint is None else row.checkpoint.text}


def _is(table: sa.Table, name: str, where: Where) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.project == where[0], table.c.logstore == where[1], table.c[name] == where[2]


def _settings(group: ConsumerGroup) -> dict[str, Any]:
    return {"timeout_s": group.timeout_s, "ordered": group.order}


def _group(row: Any) -> ConsumerGroup:
    return ConsumerGroup(row.name, row.timeout_s, bool(row.ordered))


def _seat(row: Any) -> Seat:
    checkpoint = None if row.checkpoint is None else Cursor.of_text(row.checkpoint, code="InvalidShardCheckPoint")
    return Seat(row.shard, row.state, row.owner, row.heir, row.epoch, checkpoint, row.saved_us, row.saved_by)
