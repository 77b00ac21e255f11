"""The demo of `./run_local.sh`: a game's logs joined with its users, and a report written back to the database.

Fills the Logstore `game_log` and the ExternalStores `chiji_user`, `report` and `spend` in a home of its own, runs the statements, shows
rows and times. Every run gives the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from pipelines.logging_setup import configure_logging

configure_logging()

from pipelines.cli.app import App  # noqa: E402
from pipelines.cli.main import guarded  # noqa: E402
from pipelines.cli.results import print_result  # noqa: E402
from pipelines.demo_continuous import run_continuous  # noqa: E402
from pipelines.demo_data import FIRST_SECOND, GAME_INDEX, LOGS, SECONDS, USERS, game_logs, users  # noqa: E402
from pipelines.demo_database import DemoDatabase  # noqa: E402
from pipelines.demo_scheduled import DEMO_TASKS, on_both_engines, run_tasks  # noqa: E402
from pipelines.home import DEFAULT_PROJECT, Home, default_path  # noqa: E402
from pipelines.query import plan_statement, run_in_process  # noqa: E402
from transforms.core.clock import SystemClock  # noqa: E402
from transforms.core.counted import counted  # noqa: E402
from transforms.core.errors import LogsluiceError, NotFound  # noqa: E402
from transforms.core.interval import Interval  # noqa: E402
from transforms.sql.plan import QueryPlan  # noqa: E402
from transforms.sql.planner import PlanOptions  # noqa: E402
from transforms.sql.result import QueryResult  # noqa: E402
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor  # noqa: E402
from transforms.stores.shard import even_shards  # noqa: E402

__all__ = ["STATEMENTS", "main"]

STATEMENTS = (
    (
        "Who is active: the gender of active users",
        "* | select case gender when 1 then 'male' else 'female' end as gender , count(1) as pv "
        "from log l join chiji_user u on l.userid = u.uid group by gender order by pv desc",
    ),
    (
        "Where: the activity of provinces",
        "* | select province , count(1) as pv from log l join chiji_user u on l.userid = u.uid group by province order by pv desc",
    ),
    (
        "What they spend: money by gender",
        "* | select case gender when 1 then 'male' else 'female' end as gender , sum(money) as money "
        "from log l join chiji_user u on l.userid = u.uid group by gender order by money desc",
    ),
    (
        "Into the database: page views every five minutes",
        "* | insert into report select __time__- __time__ % 300 as min, count(1) as pv group by min",
    ),
    ("The report, read back", "* | select minute, pv from report order by minute limit 5"),
)
_LOGSTORE = "game_log"
_GROUPS = 16
_DAY = Interval(FIRST_SECOND, FIRST_SECOND + SECONDS)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="./run_local.sh", description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--logs", type=int, default=LOGS, help=f"how many logs a new game_log gets, at least {_GROUPS}; default: {LOGS:,}")
    parser.add_argument(
        "--live-seconds", type=int, default=10, help="how long logs come to the job that never ends; 0: it is left out; default: 10"
    )
    given = parser.parse_args(arguments)
    return guarded(lambda: _run(max(_GROUPS, given.logs), given.live_seconds))


def _run(logs: int, live_seconds: int) -> int:
    app = App()
    home = Home.create(Path(os.environ.get("LOGSLUICE_HOME") or default_path()))
    try:
        database = DemoDatabase(home.path, os.environ.get("LOGSLUICE_MYSQL_URL"))
        _fill_logstore(app, home, logs)
        _fill_database(app, home, database)
        results = [_show(app, home, title, statement) for title, statement in STATEMENTS]
        _as_pipeline(app, results[:3])
        run_tasks(app, home)
        for demo in DEMO_TASKS:
            _show(app, home, f"{demo.title}, read back", demo.statement, demo.logstore)
        on_both_engines(app, home)
        if live_seconds > 0:
            run_continuous(app, home, live_seconds)
        app.emit(_NEXT.format(home=os.path.relpath(home.path)))
    finally:
        home.close()
    return 0


def _fill_logstore(app: App, home: Home, logs: int) -> None:
    try:
        store = home.open_logstore(DEFAULT_PROJECT, _LOGSTORE)
    except NotFound:
        descriptor = LogstoreDescriptor(DEFAULT_PROJECT, _LOGSTORE, "", even_shards(2), GAME_INDEX)
        store = home.create_logstore(descriptor)
    done = store.app_version("demo") or 0
    started = time.monotonic()
    with app.progress("game logs", logs) as progress:
        for number, group in enumerate(game_logs(_GROUPS, logs=logs), start=1):
            # A numbered step is written once, however often the demo is interrupted and run again.
            if number > done:
                store.append([group], app=AppTransaction("demo", number))
            progress.advance(group.num_rows)
    snapshot = store.snapshot()
    state = f"filled in {time.monotonic() - started:.1f} s" if done < _GROUPS else "as the run before left it"
    app.emit(
        f"Logstore {_LOGSTORE}: {snapshot.rows_total:,} logs in {snapshot.files_total} files, {snapshot.bytes_total / 1e6:.0f} MB, {state}"
    )


def _fill_database(app: App, home: Home, database: DemoDatabase) -> None:
    from pipelines.external_stores import create_store, update_store
    from transforms.stores.external_store_config import parse_config

    with app.progress("users", USERS) as progress:
        database.fill(users())
        progress.advance(USERS)
    for table in ("chiji_user", "report", "spend"):
        known = table in home.catalogue().list_external_stores(DEFAULT_PROJECT).names
        (update_store if known else create_store)(home, DEFAULT_PROJECT, parse_config(json.dumps(database.config(table))))
    app.emit(f"ExternalStore chiji_user: {USERS:,} users in {database.kind}; ExternalStores report and spend: empty")


def _show(app: App, home: Home, title: str, statement: str, logstore: str = _LOGSTORE) -> tuple[QueryPlan, QueryResult]:
    app.emit(f"\n{title}\n  {statement}\n")
    clock = SystemClock()
    plan = plan_statement(home, DEFAULT_PROJECT, logstore, statement, _DAY, PlanOptions(now_us=clock.now_us()))
    with app.progress("query") as progress:
        result = run_in_process(plan, now_seconds=clock.now_us() // 1_000_000, note=progress.note)
    sys.stdout.flush()
    print_result(plan, result, "table")
    app.emit(f"\n{counted(len(result.rows), 'row')}, {counted(result.rows_read, 'log')} read, {result.seconds:.2f} s")
    return plan, result


def _as_pipeline(app: App, results: list[tuple[QueryPlan, QueryResult]]) -> None:
    """The same plans through Beam; other rows would be a defect, so they end the demo."""
    from pipelines.association_query import run_plan
    from pipelines.launch import options_of

    app.emit("\nThe same three statements as Beam pipelines on DirectRunner")
    for plan, expected in results:
        got = run_plan(plan, options_of(["--runner", "DirectRunner"]), now_seconds=0)
        if list(got.rows.plain()) != list(expected.rows.plain()):
            raise LogsluiceError(
                "the pipeline gave other rows than the embedded engine", hint="please report this with the statement above"
            )
        app.emit(f"  same {len(got.rows)} rows, {counted(len(plan.tasks), 'scan task')}, {got.seconds:.2f} s")


_NEXT = """
What to try next (the home is {home}):
  logsluice=.venv/bin/logsluice
  $logsluice query game_log 'operation: buy and money > 600 | select userid, sum(money) as money group by userid order by money desc limit 10'
  $logsluice explain game_log '* | select province, count(1) as pv from log l join chiji_user u on l.userid = u.uid group by province'
  $logsluice external-store check chiji_user
  $logsluice instance list activity-per-hour --limit 5
  $logsluice task estimate activity-per-hour
  $logsluice metricstore export game_metrics --latest
  $logsluice job get live-game
  $logsluice --help"""

if __name__ == "__main__":
    sys.exit(main())
