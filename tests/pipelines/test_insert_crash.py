"""`insert into` killed with -9: at every durable moment, and at random times. All of its rows or none, never some."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from tests.crash import count_moments, run, run_killed_after, run_killed_at
from tests.mariadb import MariadbServer
from tests.pipelines.game import REPORT_DDL, make_logs, make_sqlite_tables, sqlite_rows
from transforms.stores.external_store_config import parse_config
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

INTO_TABLE = "* | insert into report select __time__- __time__ % 300 as min, count(1) as pv group by min"
INTO_LOGSTORE = "* | insert into copy(minute, pv) select __time__- __time__ % 300 as min, count(1) as pv group by min"
ROWS = 288

Rows = Callable[[], int]


def sqlite_target(home: Home, folder: Path) -> Rows:
    path = folder / "game.sqlite"
    make_sqlite_tables(home, path)
    return lambda: int(sqlite_rows(path, "select count(*) from report")[0][0])


def mariadb_target(home: Home, folder: Path, server: MariadbServer) -> Rows:
    database = server.database()
    database.execute(REPORT_DDL)
    (folder / "password").write_text(database.password)
    parameter = {"region": "", "vpc-id": "", "instance-id": "", "host": database.host, "port": str(database.port),
                 "username": database.user, "password": f"file:{folder / 'password'}", "db": database.name, "table": "report"}  # fmt: skip
    config = parse_config(json.dumps({"externalStoreName": "report", "storeType": "rds-vpc", "parameter": parameter}))
    home.catalogue().create_external_store(DEFAULT_PROJECT, config.descriptor)

    def rows() -> int:
        # The server ends a dead client's transaction as soon as it notices.
        time.sleep(0.2)
        return int(database.execute("select count(*) from report")[0][0])

    return rows


def logstore_target(home: Home) -> Rows:
    index = Index(fields={"minute": FieldIndex("long"), "pv": FieldIndex("long")})
    store = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "copy", "", even_shards(1), index))
    return lambda: store.snapshot().rows_total


@pytest.fixture(params=["sqlite", "mariadb", "logstore"])
def insert(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> tuple[list[str], Rows]:
    """The program that inserts, and what counts the rows in its target."""
    make_logs(home)
    if request.param == "sqlite":
        rows = sqlite_target(home, tmp_path)
    elif request.param == "mariadb":
        rows = mariadb_target(home, tmp_path, request.getfixturevalue("mariadb"))
    else:
        rows = logstore_target(home)
    statement = INTO_LOGSTORE if request.param == "logstore" else INTO_TABLE
    return ["pipelines", "--home", str(home.path), "query", "game_log", statement, "-q"], rows


def test_every_durable_moment(insert: tuple[list[str], Rows]) -> None:
    program, rows = insert
    run(program)  # the first insert into a Logstore also makes its columns
    moments = count_moments(program)
    written = 2 * ROWS
    assert len(moments) >= 2 and rows() == written
    for number, moment in enumerate(moments):
        run_killed_at(program, number)
        # Only the last moment, after the commit, is one at which the rows are there.
        written += ROWS if number == len(moments) - 1 else 0
        assert rows() == written, moment
    run(program)
    assert rows() == written + ROWS


@pytest.mark.soak
def test_random_times(insert: tuple[list[str], Rows]) -> None:
    program, rows = insert
    started = time.monotonic()
    run(program)
    whole, seen = time.monotonic() - started, ROWS
    pick = random.Random(20260101)
    outcomes = set()
    for _ in range(50):
        run_killed_after(program, pick.uniform(0, whole * 1.1))
        now = rows()
        assert now in (seen, seen + ROWS)
        outcomes.add(now - seen)
        seen = now
    assert outcomes == {0, ROWS}, "the kills should fall on both sides of the commit"
