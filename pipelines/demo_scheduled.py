"""The demo's second part: scheduled SQL. Three tasks over the game's day, to a Logstore, a Metricstore and a database table.

The schedule makes the first hours; a backfill runs the whole day, in one scan, so that every run of the demo gives the same rows.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.backfill_windows import apply_backfill
from pipelines.cli.app import App
from pipelines.demo_data import FIRST_SECOND, SECONDS
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.schedule.instance_plan import plan_window
from transforms.core.counted import counted
from transforms.core.errors import AlreadyExists, LogsluiceError, NotFound
from transforms.core.interval import Interval
from transforms.schedule.ledger import Turn
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task
from transforms.sql.planner import SqlEngine
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.metricstore import METRIC_INDEX
from transforms.stores.shard import even_shards

__all__ = ["DEMO_TASKS", "DemoTask", "on_both_engines", "run_tasks"]

_ENGINES: tuple[SqlEngine, ...] = ("embedded", "beam-sql")
_HOUR = 3_600
_PLANNED = 6
"""Instances that each task's schedule makes; the backfill makes the others of the day."""


@dataclass(frozen=True)
class DemoTask:
    """A task, what it is for, and the query that shows what it has written."""

    title: str
    name: str
    configuration: Mapping[str, Any]
    logstore: str
    statement: str

    def task(self) -> Task:
        """Hourly over the day; the schedule ends after the first hours."""
        configuration = {
            "sourceLogstore": "game_log",
            "fromTimeExpr": "@h-1h",
            "toTimeExpr": "@h",
            "fromTime": FIRST_SECOND + _HOUR,
            "toTime": FIRST_SECOND + _HOUR * _PLANNED + 1,
            **self.configuration,
        }
        return read_task(
            {"name": self.name, "schedule": {"type": "FixedRate", "interval": "1h"}, "configuration": configuration}, DEFAULT_PROJECT
        )


DEMO_TASKS = (
    DemoTask(
        "Every hour of the game, by operation, to a Logstore",
        "activity-per-hour",
        {
            "script": "* | select operation, count(1) as logs, sum(money) as money group by operation",
            "dataFormat": "log2log",
            "destLogstore": "game_per_hour",
        },
        "game_per_hour",
        "* | select operation, sum(logs) as logs, sum(money) as money, count(1) as hours group by operation order by logs desc",
    ),
    DemoTask(
        "Errors and latency by network, to a Metricstore",
        "health-per-hour",
        {
            "script": "* | select network, sum(case when status >= 400 then 1 else 0 end) as errors, avg(latency) as latency group by network",
            "dataFormat": "log2metric",
            "destLogstore": "game_metrics",
            "parameters": {"metricKeys": ["errors", "latency"], "labelKeys": ["network"], "addLabels": {"app": "game"}},
        },
        "game_metrics",
        '* | select __name__, count(1) as samples, round(avg(__value__), 3) as mean from "game_metrics.prom" group by __name__ order by __name__',
    ),
    DemoTask(
        "Spend per province, joined with the users, to a database table",
        "spend-per-province",
        {
            "script": "operation: buy | select {{__TASK_SQL_START_TS__}} as hour, province, sum(money) as money, count(1) as purchases "
            "from log l join chiji_user u on l.userid = u.uid group by province",
            "dataFormat": "log2table",
            "destExternalStore": "spend",
            "parameters": {"windowColumn": "hour"},
        },
        "game_log",
        "* | select province, sum(money) as money, sum(purchases) as purchases from spend group by province order by money desc limit 5",
    ),
)


def run_tasks(app: App, home: Home) -> None:
    """Make stores and tasks, let the schedules catch up, backfill the day, and say what was done."""
    index = Index(fields={"operation": FieldIndex(), "logs": FieldIndex("long"), "money": FieldIndex("long")})
    _make_store(home, LogstoreDescriptor(DEFAULT_PROJECT, "game_per_hour", "", even_shards(1), index))
    _make_store(home, LogstoreDescriptor(DEFAULT_PROJECT, "game_metrics", "", even_shards(1), METRIC_INDEX, telemetry="metrics"))
    for demo in DEMO_TASKS:
        app.emit(f"\n{demo.title}\n  {demo.configuration['script']}\n")
        made = _catch_up(app, home, demo)
        app.emit(f"{made}\n{_backfill(app, home, demo)}")


def _make_store(home: Home, descriptor: LogstoreDescriptor) -> None:
    try:
        home.open_logstore(descriptor.project, descriptor.name)
    except NotFound:
        home.create_logstore(descriptor)


def _catch_up(app: App, home: Home, demo: DemoTask) -> str:
    from pipelines.launch import options_of
    from pipelines.schedule.scheduled_tasks import worker_name
    from pipelines.scheduled_sql import run_recorded

    ledger, started, instances = home.schedule_ledger(), time.monotonic(), 0
    try:
        ledger.create_task(demo.task())
    except AlreadyExists:
        ledger.update_task(demo.task())
    with app.progress("instances", _PLANNED) as progress:
        while isinstance(turn := ledger.claim(DEFAULT_PROJECT, demo.name, worker_name(), 30), Turn):
            entry = run_recorded(home, turn, options_of(["--runner", "DirectRunner"]))
            if entry.instance.failure is not None:
                raise LogsluiceError(entry.instance.failure.message, hint="please report this with the script above")
            instances += 1
            progress.advance(1)
    if not instances:
        return "schedule: as the run before left it"
    return f"schedule: caught up with {counted(instances, 'instance')}, {time.monotonic() - started:.2f} s"


def _backfill(app: App, home: Home, demo: DemoTask) -> str:
    ledger, started = home.schedule_ledger(), time.monotonic()
    day = Interval(FIRST_SECOND + _HOUR, FIRST_SECOND + SECONDS + 1)
    asked = ledger.create_backfill(DEFAULT_PROJECT, demo.name, day, again=True, reason="the demo's day")
    with app.progress("windows", SECONDS // _HOUR) as progress:
        done = apply_backfill(home, DEFAULT_PROJECT, demo.name, asked.number, note=progress.note, progress=progress.advance)
    if done.failed:
        raise LogsluiceError(f"{done.failed} instances of the backfill failed", hint="please report this with the script above")
    return (
        f"backfill: {counted(done.succeeded, 'instance')} by one scan, {counted(done.rows_written, 'row')} written, "
        f"{time.monotonic() - started:.2f} s"
    )


def on_both_engines(app: App, home: Home) -> None:
    """One instance of the first task on the embedded engine and on Beam's own SQL, where its Java service is to be had."""
    jar = os.environ.get("LOGSLUICE_BEAM_SQL_JAR")
    if not jar or shutil.which("java") is None:
        app.emit("\nThe engine beam-sql is not shown: it needs Java and a service that ./run_local.sh java builds")
        return
    from pipelines.association_query import run_plan
    from pipelines.launch import options_of

    demo, at = DEMO_TASKS[0], FIRST_SECOND + _HOUR
    task = demo.task()
    app.emit(f"\nThe first instance of {demo.name} on both SQL engines")
    started, rows = time.monotonic(), {}
    with app.progress("Java service"):
        for engine in _ENGINES:
            plan = plan_window(home, task, at, task.window_at(at), 0, engine=engine)
            rows[engine] = sorted(map(repr, run_plan(plan, options_of(["--sql_engine", engine]), now_seconds=0).rows.plain()))
    if rows["embedded"] != rows["beam-sql"]:
        raise LogsluiceError("beam-sql gave other rows than the embedded engine", hint="please report this with the script above")
    app.emit(f"  same {len(rows['embedded'])} rows, {time.monotonic() - started:.2f} s, most of it the start of Java")
