"""The catalogue's tables, and the ordered migrations that lead an older database to them.

A migration may run again after a crash (MySQL commits each statement that changes tables at once), so each must accept what
it finds half done. A released migration is never edited: a change of the tables is one more entry at the end of `MIGRATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_columns import OPTIONS, Name, Text, metadata
from transforms.connectors.sql_job_tables import JOB_TABLES, job_change
from transforms.core.durable import durable
from transforms.core.errors import StoreRejected, StoreUnavailable

__all__ = [
    "MIGRATIONS",
    "consumer",
    "consumer_group",
    "external_store",
    "import_lane",
    "import_run",
    "logstore",
    "migrate",
    "name",
    "project",
    "schedule_backfill",
    "schedule_change",
    "schedule_instance",
    "schedule_task",
    "schedule_version",
    "seat",
    "transform_run",
]

_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False), **OPTIONS)

project = sa.Table(
    "project", metadata, sa.Column("project", Name, primary_key=True), sa.Column("description", Text, nullable=False), **OPTIONS
)

name = sa.Table(  # Logstores and ExternalStores of a project share one name space: this primary key is it
    "name",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    **OPTIONS,
)

logstore = sa.Table(
    "logstore",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("location", Text, nullable=False),
    sa.Column("shards", Text, nullable=False),
    sa.Column("retention_days", sa.Integer, nullable=True),
    sa.Column("index_json", Text, nullable=True),
    sa.Column("storage_options", Text, nullable=False),
    sa.Column("telemetry", sa.String(16), nullable=False, server_default="logs"),
    **OPTIONS,
)

external_store = sa.Table(
    "external_store",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("parameter", Text, nullable=False),
    sa.Column("password_reference", Text, nullable=False),
    **OPTIONS,
)

import_run = sa.Table(
    "import_run",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("logstore", Name, primary_key=True),
    sa.Column("id", Name, primary_key=True),
    sa.Column("lane", sa.Integer, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("position_start", Text, nullable=False),
    sa.Column("position_end", Text, nullable=False),
    sa.Column("finished", sa.Boolean, nullable=False),
    sa.Column("summary", Text, nullable=False),
    **OPTIONS,
)

import_lane = sa.Table(  # outlives its runs: the version it reached is what keeps the next run's commits from being refused
    "import_lane",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("logstore", Name, primary_key=True),
    sa.Column("lane", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("run", Name, nullable=True),
    **OPTIONS,
)

transform_run = sa.Table(
    "transform_run",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("job", Name, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("pieces", Text, nullable=False),
    sa.Column("rule", sa.String(64), nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("started_us", sa.BigInteger, nullable=False),
    sa.Column("ended_us", sa.BigInteger, nullable=False),
    sa.Column("intent", Text, nullable=False),
    sa.Column("summary", Text, nullable=False),
    **OPTIONS,
)

consumer_group = sa.Table(  # its row is the lock of all that the group has
    "consumer_group",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("logstore", Name, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("timeout_s", sa.Integer, nullable=False),
    sa.Column("ordered", sa.Boolean, nullable=False),
    sa.Column("shards_version", sa.BigInteger, nullable=False),
    **OPTIONS,
)

consumer = sa.Table(
    "consumer",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("logstore", Name, primary_key=True),
    sa.Column("consumer_group", Name, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("incarnation", Text, nullable=False),
    sa.Column("last_beat_us", sa.BigInteger, nullable=False),
    **OPTIONS,
)

seat = sa.Table(
    "seat",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("logstore", Name, primary_key=True),
    sa.Column("consumer_group", Name, primary_key=True),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("owner", Text, nullable=False),
    sa.Column("heir", Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("checkpoint", Text, nullable=True),
    sa.Column("saved_us", sa.BigInteger, nullable=False),
    sa.Column("saved_by", Text, nullable=False),
    **OPTIONS,
)

schedule_task = sa.Table(  # its row is the lock of all that the task has
    "schedule_task",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("schedule_id", sa.String(32), nullable=False, unique=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("modified_us", sa.BigInteger, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=True),
    sa.Column("last", sa.BigInteger, nullable=True),
    sa.Column("free_us", sa.BigInteger, nullable=False),
    sa.Column("forgotten_before", sa.BigInteger, nullable=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("turn_worker", Text, nullable=False),
    sa.Column("turn_lease_us", sa.BigInteger, nullable=False),
    sa.Column("turn_began_us", sa.BigInteger, nullable=False),
    sa.Column("turn_time", sa.BigInteger, nullable=True),
    sa.Column("turn_backfill", sa.Integer, nullable=True),
    sa.Column("changed", sa.BigInteger, nullable=False, default=0),
    sa.Index("schedule_task_changed", "changed"),
    **OPTIONS,
)

schedule_version = sa.Table(
    "schedule_version",
    metadata,
    sa.Column("schedule_id", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", Text, nullable=False),
    **OPTIONS,
)

schedule_instance = sa.Table(
    "schedule_instance",
    metadata,
    sa.Column("schedule_id", sa.String(32), primary_key=True),
    sa.Column("schedule_time", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("watched", sa.Boolean, nullable=False),
    sa.Column("reported", sa.Boolean, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("ended_us", sa.BigInteger, nullable=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("backfill", sa.Integer, nullable=True),
    sa.Column("record", Text, nullable=False),
    sa.Column("outcome", Text, nullable=True),
    sa.Column("late", Text, nullable=True),
    sa.Index("schedule_instance_watched", "schedule_id", "watched"),
    sa.Index("schedule_instance_reported", "reported", "ended_us"),
    sa.Index("schedule_instance_created", "created_us"),
    **OPTIONS,
)

schedule_backfill = sa.Table(
    "schedule_backfill",
    metadata,
    sa.Column("schedule_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("range_start", sa.BigInteger, nullable=False),
    sa.Column("range_end", sa.BigInteger, nullable=False),
    sa.Column("again", sa.Boolean, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("done_before", sa.BigInteger, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("ended_us", sa.BigInteger, nullable=False),
    sa.Column("succeeded", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("rows_written", sa.BigInteger, nullable=False),
    **OPTIONS,
)

schedule_change = sa.Table(  # one row
    "schedule_change",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    **OPTIONS,
)

Migration = Callable[[sa.Connection], None]


def _first_tables(connection: sa.Connection) -> None:
    metadata.create_all(connection, checkfirst=True, tables=[_version, project, name, logstore, external_store, import_run, import_lane])


def _transform_ledger(connection: sa.Connection) -> None:
    transform_run.create(connection, checkfirst=True)


def _consumer_groups(connection: sa.Connection) -> None:
    metadata.create_all(connection, checkfirst=True, tables=[consumer_group, consumer, seat])


def _telemetry_of_logstores(connection: sa.Connection) -> None:
    """Logstores from before there were Metricstores keep logs; those made since have the column from their first table on."""
    if all(column["name"] != "telemetry" for column in sa.inspect(connection).get_columns(logstore.name)):
        connection.execute(sa.text("alter table logstore add column telemetry varchar(16) not null default 'logs'"))


def _schedule_ledger(connection: sa.Connection) -> None:
    tables = [schedule_task, schedule_version, schedule_instance, schedule_backfill, schedule_change]
    metadata.create_all(connection, checkfirst=True, tables=tables)
    for index in (*schedule_instance.indexes, *schedule_task.indexes):
        index.create(connection, checkfirst=True)  # a crash may have come between the table and its indexes
    if connection.execute(sa.select(schedule_change.c.id)).first() is None:
        connection.execute(schedule_change.insert().values(id=1, number=0))


def _job_ledger(connection: sa.Connection) -> None:
    metadata.create_all(connection, checkfirst=True, tables=JOB_TABLES)
    if connection.execute(sa.select(job_change.c.id)).first() is None:
        connection.execute(job_change.insert().values(id=1, number=0))


MIGRATIONS: Sequence[Migration] = (
    _first_tables,
    _transform_ledger,
    _consumer_groups,
    _telemetry_of_logstores,
    _schedule_ledger,
    _job_ledger,
)
"""``MIGRATIONS[n]`` leads from version n to n + 1."""


def migrate(engine: sa.Engine, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring a database to version ``len(migrations)``; one process at a time does the work, others wait for it.

    Raises StoreRejected for a database that a newer Logsluice has made, StoreUnavailable when the lock is not to be had in 60 s.
    """
    if _current(engine, migrations) == len(migrations):
        return
    with _alone(engine) as connection:
        at = _stored(connection)
        for step in range(at, len(migrations)):
            with durable("catalogue.migrate"):
                migrations[step](connection)
                _version.create(connection, checkfirst=True)
                connection.execute(_version.delete())
                connection.execute(_version.insert().values(version=step + 1))
                if connection.dialect.name != "sqlite":
                    connection.commit()


def _current(engine: sa.Engine, migrations: Sequence[Migration]) -> int:
    with engine.connect() as connection:
        version = _stored(connection)
    if version > len(migrations):
        raise StoreRejected(
            f"the catalogue has schema version {version}, this Logsluice knows {len(migrations)}",
            hint="upgrade Logsluice, or name another home with --home",
        )
    return version


def _stored(connection: sa.Connection) -> int:
    if not sa.inspect(connection).has_table(_version.name):
        return 0
    return connection.execute(sa.select(sa.func.max(_version.c.version))).scalar() or 0


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    if engine.dialect.name == "sqlite":
        with engine.execution_options(write=True).begin() as connection:
            yield connection
        return
    with engine.connect() as holder:
        if holder.execute(sa.text("select get_lock(concat('logsluice.', md5(database())), 60)")).scalar() != 1:
            raise StoreUnavailable("another process has been migrating the catalogue for 60 seconds", hint="try again later")
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            holder.execute(sa.text("select release_lock(concat('logsluice.', md5(database())))"))
