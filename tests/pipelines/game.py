"""A small game: logs with unknown users and missing fields, users in a database. The same everywhere it is asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.demo_data import FIRST_SECOND, GAME_INDEX, SECONDS, game_logs, users
from pipelines.home import DEFAULT_PROJECT, Home
from transforms.core.interval import Interval
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.logstore import Logstore, LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["DAY", "LOGS", "REPORT_DDL", "USERS_DDL", "make_logs", "make_sqlite_tables", "sqlite_rows", "user_rows"]

LOGS, USERS = 40_000, 2_000
DAY = Interval(FIRST_SECOND, FIRST_SECOND + SECONDS)
USERS_DDL = (
    "create table chiji_user (uid int(11) not null default '0', user_nick text, gender tinyint(1) default null, "
    "age int(11) default null, balance float default null, province text, primary key (uid))"
)
REPORT_DDL = "create table report (minute bigint(20) default null, pv bigint(20) default null)"


def user_rows() -> list[tuple[Any, ...]]:
    return list(users(USERS))


def make_logs(home: Home, location: Path | None = None, groups: int = 8) -> Logstore:
    """The Logstore ``game_log``, one commit and so one file a group."""
    descriptor = LogstoreDescriptor(DEFAULT_PROJECT, "game_log", str(location or ""), even_shards(2), GAME_INDEX)
    store = home.create_logstore(descriptor)
    for group in game_logs(groups, logs=LOGS, users=USERS):
        store.append([group])
    return store


def make_sqlite_tables(home: Home, path: Path) -> None:
    """``chiji_user`` and ``report`` as ExternalStores in an SQLite file."""
    with sqlite3.connect(path) as connection:
        connection.execute(USERS_DDL)
        connection.execute(REPORT_DDL)
        connection.executemany("insert into chiji_user values (?, ?, ?, ?, ?, ?)", user_rows())
    connection.close()
    for table in ("chiji_user", "report"):
        home.catalogue().create_external_store(DEFAULT_PROJECT, ExternalStoreDescriptor(table, "sqlite", {"db": str(path), "table": table}))


def sqlite_rows(path: Path, statement: str) -> Sequence[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
