"""Rows of consumer groups: a group is loaded under its row's lock (SQLite: the whole file's), what changed of it is written back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_schema import consumer, consumer_group, logstore, project, seat
from transforms.connectors.sql_catalogue_upsert import Upsert
from transforms.consumers import refusals
from transforms.core.errors import NotFound
from transforms.core.suggest import suggestion
from transforms.stores.consumer_group import MOST_GROUPS, Consumer, ConsumerGroup, GroupState, Seat
from transforms.stores.cursor import Cursor

__all__ = [
    "Where",
    "database_now_us",
    "group_names",
    "group_of_row",
    "insert_group",
    "live_consumers",
    "load_group",
    "lock_group",
    "lock_logstore",
    "remove_group",
    "store_group",
]

Where = tuple[str, str, str]
"""Project, Logstore, group."""


def database_now_us(connection: sa.Connection) -> int:
    """The database's time, microseconds since 1970 UTC."""
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("select round((julianday('now') - 2440587.5) * 86400000.0)").scalar_one()) * 1_000
    return int(connection.exec_driver_sql("select cast(unix_timestamp(now(6)) * 1000000 as signed)").scalar_one())


def lock_group(connection: sa.Connection, where: Where) -> Any:
    """The group's row, which nobody else has until the transaction ends. Raises NotFound with code ``ConsumerGroupNotExist``."""
    row = connection.execute(_LOCK, _place(where)).first()
    if row is None:
        raise refusals.no_group(where[2], group_names(connection, where[0], where[1]))
    return row


def lock_logstore(connection: sa.Connection, project_name: str, logstore_name: str) -> None:
    """Stays as it is until the transaction ends: whoever drops a Logstore locks its project first too. Raises NotFound."""
    connection.execute(sa.select(project.c.project).where(project.c.project == project_name).with_for_update()).first()
    of_project = sa.select(logstore.c.name).where(logstore.c.project == project_name)
    if connection.execute(of_project.where(logstore.c.name == logstore_name)).first() is None:
        raise NotFound(
            f"there is no Logstore {logstore_name!r} in the project {project_name!r}",
            hint=suggestion(logstore_name, connection.execute(of_project).scalars(), "Logstore"),
            code="LogStoreNotExist",
        )


def load_group(connection: sa.Connection, where: Where) -> GroupState:
    """Locked. Raises like `lock_group`."""
    row = lock_group(connection, where)
    consumers = connection.execute(_CONSUMERS, _place(where)).all()
    seats = connection.execute(_SEATS, _place(where)).all()
    return GroupState(
        group_of_row(row),
        {each.name: Consumer(each.name, each.incarnation, each.last_beat_us) for each in consumers},
        {each.shard: _seat(each) for each in seats},
        row.shards_version,
    )


def insert_group(connection: sa.Connection, where: Where, group: ConsumerGroup) -> None:
    """The Logstore's project must be locked. Raises AlreadyExists, and UserError when there are too many."""
    known = group_names(connection, where[0], where[1])
    if group.name in known:
        raise refusals.group_taken(group.name)
    if len(known) >= MOST_GROUPS:
        raise refusals.too_many_groups()
    connection.execute(
        consumer_group.insert().values(project=where[0], logstore=where[1], name=group.name, shards_version=0, **_settings(group))
    )


def remove_group(connection: sa.Connection, where: Where) -> None:
    """With all it has; it must be locked."""
    connection.execute(consumer_group.delete().where(*_is(consumer_group, "name", where)))
    for table in (consumer, seat):
        connection.execute(table.delete().where(*_is(table, "consumer_group", where)))


def group_names(connection: sa.Connection, project: str, logstore: str) -> list[str]:
    """Of a Logstore."""
    of_store = (consumer_group.c.project == project, consumer_group.c.logstore == logstore)
    return list(connection.execute(sa.select(consumer_group.c.name).where(*of_store)).scalars())


def group_of_row(row: Any) -> ConsumerGroup:
    """A row of ``consumer_group``."""
    return ConsumerGroup(row.name, row.timeout_s, bool(row.ordered))


def store_group(connection: sa.Connection, where: Where, before: GroupState, after: GroupState) -> None:
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
    gone = [at for at in before if at not in after]
    if gone:
        connection.execute(table.delete().where(*_is(table, "consumer_group", where), table.c[key].in_(gone)))
    _PUT[table.name](connection, [{**_place(where), **_values(row)} for at, row in after.items() if before.get(at) != row])


def live_consumers(connection: sa.Connection, where: Where, now_us: int) -> Sequence[str]:
    """Consumers that were heard of within the group's time-out; none when there is no such group."""
    timeout_s = connection.execute(sa.select(consumer_group.c.timeout_s).where(*_is(consumer_group, "name", where))).scalar()
    beaten = consumer.c.last_beat_us >= now_us - (timeout_s or 0) * 1_000_000
    return (
        ()
        if timeout_s is None
        else connection.execute(sa.select(consumer.c.name).where(*_is(consumer, "consumer_group", where), beaten)).scalars().all()
    )


def _values(row: Consumer | Seat) -> dict[str, Any]:
    if isinstance(row, Consumer):
        return asdict(row)
    return {**asdict(row), "checkpoint": None if row.checkpoint is None else row.checkpoint.text}


def _place(where: Where) -> dict[str, str]:
    return dict(zip(("project", "logstore", "consumer_group"), where, strict=True))


def _of_place(table: sa.Table, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    columns = {"project": "project", "logstore": "logstore", name: "consumer_group"}
    return tuple(table.c[column] == sa.bindparam(given) for column, given in columns.items())


# Made once: they are asked several times a second for each consumer.
_LOCK = sa.select(consumer_group).where(*_of_place(consumer_group, "name")).with_for_update()
_CONSUMERS = sa.select(consumer).where(*_of_place(consumer, "consumer_group"))
_SEATS = sa.select(seat).where(*_of_place(seat, "consumer_group"))
_PUT = {table.name: Upsert(table, lambda _, given: given) for table in (consumer, seat)}


def _is(table: sa.Table, name: str, where: Where) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.project == where[0], table.c.logstore == where[1], table.c[name] == where[2]


def _settings(group: ConsumerGroup) -> dict[str, Any]:
    return {"timeout_s": group.timeout_s, "ordered": group.order}


def _seat(row: Any) -> Seat:
    checkpoint = None if row.checkpoint is None else Cursor.of_text(row.checkpoint, code="InvalidShardCheckPoint")
    return Seat(row.shard, row.state, row.owner, row.heir, row.epoch, checkpoint, row.saved_us, row.saved_by)
