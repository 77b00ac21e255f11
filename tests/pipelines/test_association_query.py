"""The association query: the same rows in process and as a Beam pipeline, over SQLite and over MariaDB; who reads what, where."""

from __future__ import annotations

import dataclasses
import json
import pickle
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.demo import STATEMENTS
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.query import plan_statement, run_in_process
from tests.conftest import ROOT
from tests.mariadb import MariadbServer
from tests.pipelines.game import DAY, LOGS, REPORT_DDL, USERS_DDL, make_logs, make_sqlite_tables, sqlite_rows, user_rows
from tests.pipelines.tracing import traced
from transforms.sql.plan import QueryPlan
from transforms.sql.planner import PlanOptions
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.external_store_config import parse_config

INSERT = STATEMENTS[3][1]
JOINS = [statement for _, statement in STATEMENTS[:3]]


@dataclass
class Game:
    home: Home
    folder: Path
    kind: str
    database: Any

    def plan(self, statement: str, **options: Any) -> QueryPlan:
        return plan_statement(
            self.home, DEFAULT_PROJECT, "game_log", statement, DAY, PlanOptions(now_us=1_800_000_000_000_000, least_tasks=4, **options)
        )

    def in_process(self, statement: str) -> list[list[Any]]:
        return list(run_in_process(self.plan(statement), now_seconds=1_800_000_000).rows.plain())

    def as_pipeline(self, statement: str, *flags: str) -> list[list[Any]]:
        from pipelines.association_query import run_plan
        from pipelines.launch import options_of

        result = run_plan(self.plan(statement), options_of(["--runner", "DirectRunner", *flags]), now_seconds=1_800_000_000)
        return list(result.rows.plain())

    def report(self) -> list[tuple[Any, ...]]:
        select = "select minute, pv from report order by minute"
        if self.kind == "sqlite":
            return list(sqlite_rows(self.folder / "game.sqlite", select))
        return [tuple(row) for row in self.database.execute(select)]

    def clear_report(self) -> None:
        if self.kind == "sqlite":
            import sqlite3

            with sqlite3.connect(self.folder / "game.sqlite") as connection:
                connection.execute("delete from report")
            connection.close()
        else:
            self.database.execute("delete from report")


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def game(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Game]:
    folder = tmp_path_factory.mktemp(f"game-{request.param}")
    home = Home.create(folder / "home")
    make_logs(home, folder / "logs")
    database = None
    if request.param == "sqlite":
        make_sqlite_tables(home, folder / "game.sqlite")
    else:
        server: MariadbServer = request.getfixturevalue("mariadb")
        database = server.database()
        database.execute(USERS_DDL, REPORT_DDL)
        connection = database.connect()
        with connection.cursor() as cursor:
            cursor.executemany("insert into chiji_user values (%s, %s, %s, %s, %s, %s)", user_rows())
        connection.commit()
        connection.close()
        secret = folder / "password"
        secret.write_text(database.password)
        for table in ("chiji_user", "report"):
            parameter = {"region": "", "vpc-id": "", "instance-id": "", "host": database.host, "port": str(database.port),
                         "username": database.user, "password": f"file:{secret}", "db": database.name, "table": table}  # fmt: skip
            config = parse_config(json.dumps({"externalStoreName": table, "storeType": "rds-vpc", "parameter": parameter}))
            home.catalogue().create_external_store(DEFAULT_PROJECT, config.descriptor)
    yield Game(home, folder, request.param, database)
    home.close()


@pytest.mark.parametrize("statement", JOINS)
def test_the_same_rows_in_process_and_as_a_pipeline(game: Game, statement: str) -> None:
    embedded = game.in_process(statement)
    assert embedded, "the game has users in its logs"
    assert game.as_pipeline(statement) == embedded


def test_joins_count_just_the_logs_of_known_users(game: Game) -> None:
    known = {row[0] for row in user_rows()}
    logs = Counter(
        int(log["userid"]) in known if "userid" in log else None
        for group in game.home.open_logstore(DEFAULT_PROJECT, "game_log").read()
        for log in group.to_logs()
    )
    assert logs[False] and logs[None], "the game has unknown users and logs without a user"
    assert sum(row[1] for row in game.in_process(JOINS[0])) == logs[True]


def test_insert_writes_the_same_table_either_way(game: Game) -> None:
    game.clear_report()
    assert game.in_process(INSERT) == [[288]]
    embedded = game.report()
    assert sum(pv for _, pv in embedded) == LOGS
    game.clear_report()
    assert game.as_pipeline(INSERT) == [[288]]
    assert game.report() == embedded


def test_a_plan_holds_no_secret_and_survives_pickling(game: Game) -> None:
    plan = game.plan(JOINS[0])
    data = pickle.dumps(plan)
    assert pickle.loads(data) == plan
    if game.database is not None:
        assert game.database.password.encode() not in data


def test_a_search_gives_the_newest_logs_either_way(game: Game) -> None:
    statement = "operation:buy and money > 640"
    embedded = game.in_process(statement)
    assert len(embedded) == 100 or 0 < len(embedded) < 100
    times = [row[0] for row in embedded]
    assert times == sorted(times, reverse=True)
    assert Counter(map(str, game.as_pipeline(statement))) == Counter(map(str, embedded))


PIPELINE_STATEMENTS = [
    "* | select count(1) as pv",
    "* | select count(1) as pv where status = 999",
    "* | select status, count(1) as c, sum(bytes) as s, min(latency) as lo, max(latency) as hi, avg(bytes) as mean group by status order by status",
    "* | select operation, count_if(status >= 400) as bad group by operation having count(1) > 10 order by bad desc, operation",
    "* | select distinct network, payment order by network, payment",
    "* | select approx_distinct(userid) as users, count(distinct operation) as kinds",
    "* | select __time__, userid, bytes order by bytes desc, __time__, userid limit 7",
    "* | select u.province, l.operation, sum(l.money) as money from log l left join chiji_user u on l.userid = u.uid group by u.province, l.operation order by money desc, u.province, l.operation",
    "* | select count(1) as c from log l full join chiji_user u on l.userid = u.uid",
    "* | select max(pv) as most from (select userid, count(1) as pv from log group by userid)",
    "* | select count(1) as c from chiji_user",
]


@pytest.mark.parametrize("statement", PIPELINE_STATEMENTS)
def test_every_shape_of_statement_runs_as_a_pipeline(game: Game, statement: str) -> None:
    embedded, piped = game.in_process(statement), game.as_pipeline(statement)
    assert [[_rounded(value) for value in row] for row in piped] == [[_rounded(value) for value in row] for row in embedded]


def _rounded(value: Any) -> Any:
    return float(f"{value:.10g}") if isinstance(value, float) else value


def test_workers_read_each_file_once_in_two_processes_and_never_the_home(game: Game, tmp_path: Path) -> None:
    """Two worker processes; the home is locked while they work; a tracer in each notes which files it opens."""
    statement = JOINS[1]
    plan = game.plan(statement)
    assert len(plan.tasks) > 1
    plan = dataclasses.replace(plan, scan=traced(plan.scan, tmp_path / "opened"))
    script = tmp_path / "locked.py"
    script.write_text(_LOCKED)
    trace = tmp_path / "opened"
    trace.mkdir()
    plan_file, out = tmp_path / "plan", tmp_path / "rows.json"
    plan_file.write_bytes(pickle.dumps(plan))
    mode = stat.S_IMODE(game.home.path.stat().st_mode)
    hidden = game.home.path.with_name("home-hidden")
    # Root reads through any permission, so the home is not only locked but gone.
    game.home.path.rename(hidden)
    try:
        done = subprocess.run(
            [sys.executable, str(script), str(plan_file), str(out)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )  # fmt: skip
    finally:
        hidden.rename(game.home.path)
        game.home.path.chmod(mode)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text()) == game.in_process(statement)
    opened = [json.loads(line) for file in trace.iterdir() for line in file.read_text().splitlines()]
    assert len({entry["pid"] for entry in opened}) >= 2
    assert Counter(path for entry in opened for path in entry["files"]) == Counter(file.path for file in plan.files)


_LOCKED = """
import json, pickle, sys
from pipelines.association_query import run_plan
from pipelines.launch import options_of

if __name__ == "__main__":
    plan = pickle.load(open(sys.argv[1], "rb"))
    flags = ["--runner", "DirectRunner", "--direct_num_workers", "2", "--direct_running_mode", "multi_processing"]
    result = run_plan(plan, options_of(flags), now_seconds=0)
    json.dump(list(result.rows.plain()), open(sys.argv[2], "w"))
"""


def test_labels_are_stable(game: Game) -> None:
    import apache_beam as beam

    from pipelines.association_query import build

    pipeline = beam.Pipeline()
    build(pipeline, game.plan(INSERT), "/nowhere", now_seconds=0)
    build_labels = {node.full_label for node in _walk(pipeline)}
    assert {
        "Query/Scan tasks", "Query/Spread", "Query/Scan", "Query/To one place", "Query/Gather", "Query/Merge",
        "Insert into 'report'/To one place", "Insert into 'report'/Gather", "Insert into 'report'/Write", "Report", "Write result",
    } <= build_labels  # fmt: skip
    pipeline = beam.Pipeline()
    build(pipeline, game.plan(JOINS[0]), "/nowhere", now_seconds=0)
    assert "Query/Read ExternalStore 'chiji_user'/Read" in {node.full_label for node in _walk(pipeline)}


def _walk(pipeline: Any) -> list[Any]:
    from apache_beam.pipeline import PipelineVisitor

    seen: list[Any] = []

    class Visitor(PipelineVisitor):
        def enter_composite_transform(self, node: Any) -> None:
            seen.append(node)

        def visit_transform(self, node: Any) -> None:
            seen.append(node)

    pipeline.visit(Visitor())
    return seen


def test_an_external_store_that_is_gone_is_named_by_the_pipeline(game: Game) -> None:
    from pipelines.association_query import run_plan
    from pipelines.launch import options_of
    from transforms.core.errors import LogsluiceError

    plan = game.plan(JOINS[0])
    broken = dict(plan.external[0].descriptor.parameter, db="/nowhere/at/all.sqlite" if game.kind == "sqlite" else "no_such_database")
    read = dataclasses.replace(
        plan.external[0],
        descriptor=ExternalStoreDescriptor("chiji_user", plan.external[0].descriptor.kind, broken, plan.external[0].descriptor.password),
    )
    with pytest.raises(LogsluiceError, match="chiji_user"):
        run_plan(dataclasses.replace(plan, external=(read,)), options_of([]), now_seconds=0)
