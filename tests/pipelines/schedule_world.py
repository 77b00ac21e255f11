"""A small world for scheduled SQL: a source with logs of known counts, a task for each kind of destination, and what the destination holds."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pipelines.home import DEFAULT_PROJECT, Home
from tests.mariadb import Database
from transforms.core.log_group import LogGroup
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.external_store_config import parse_config
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.metricstore import METRIC_INDEX
from transforms.stores.shard import even_shards

START = 1_767_225_600
"""2026-01-01 08:00:00 +08:00."""
STATUSES = ("200", "404", "503")
SCRIPT = "* | select status, count(1) as requests, sum(size) as bytes group by status order by status"
TABLE = (
    "create table totals (minute bigint not null, status varchar(10) not null, requests bigint, bytes bigint, primary key (minute, status))"
)
TABLE_SCRIPT = (
    "* | select {{__TASK_SQL_START_TS__}} as minute, status, count(1) as requests, sum(size) as bytes group by status order by status"
)


def make_source(home: Home, minutes: int = 10, name: str = "web") -> None:
    """``web`` with logs of some minutes from START on, one commit for each: minute m has 3 + m logs."""
    index = Index(fields={"status": FieldIndex("text"), "size": FieldIndex("long"), "n": FieldIndex("long")})
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(2), index))
    for minute in range(minutes):
        add_logs(home, minute, range(3 + minute), name)


def add_logs(home: Home, minute: int, numbers: range, name: str = "web") -> None:
    """Logs of one minute in one commit."""
    logs = [{"status": STATUSES[n % 3], "size": str(100 + n), "n": str(n)} for n in numbers]
    home.open_logstore(DEFAULT_PROJECT, name).append([LogGroup.from_logs(logs, [START + 60 * minute + n % 60 for n in numbers])])


def totals(minutes: Sequence[int], counts: Mapping[int, int] | None = None) -> Counter[tuple[int, str, int, int]]:
    """(minute, status, requests, bytes) that the destination should hold for some minutes; ``counts``: logs of minutes unlike 3 + m."""
    found: Counter[tuple[int, str, int, int]] = Counter()
    for minute in minutes:
        numbers = range((counts or {}).get(minute, 3 + minute))
        for place, status in enumerate(STATUSES):
            sizes = [100 + n for n in numbers if n % 3 == place]
            if sizes:
                found[(START + 60 * minute, status, len(sizes), sum(sizes))] += 1
    return found


def task_document(kind: str, minutes: int = 10, **configuration: Any) -> dict[str, Any]:
    """A task that counts each minute by status: ``log2log`` to ``totals``, ``log2metric`` to ``metrics``, ``log2table`` to ``totals_table``."""
    destination: dict[str, Any] = {"destLogstore": "totals"}
    parameters: dict[str, Any] = {}
    if kind == "log2metric":
        destination = {"destLogstore": "metrics"}
        parameters = {"metricKeys": ["requests", "bytes"], "labelKeys": ["status"]}
    if kind == "log2table":
        destination = {"destExternalStore": "totals_table"}
        parameters = {"windowColumn": "minute"}
    return {
        "name": f"count-{kind}",
        "schedule": {"type": "FixedRate", "interval": "1m"},
        "configuration": {
            "script": TABLE_SCRIPT if kind == "log2table" else SCRIPT,
            "sourceLogstore": "web",
            "dataFormat": kind,
            "parameters": parameters,
            "fromTimeExpr": "@m-1m",
            "toTimeExpr": "@m",
            "fromTime": START + 60,
            "toTime": START + 60 * minutes + 1,
            **destination,
            **configuration,
        },
    }


def make_task(home: Home, kind: str, minutes: int = 10, **configuration: Any) -> Task:
    """The task of `task_document`, in the ledger."""
    task = read_task(task_document(kind, minutes, **configuration), DEFAULT_PROJECT)
    home.schedule_ledger().create_task(task)
    return task


def make_destination(home: Home, kind: str, folder: Path, database: Database | None = None) -> None:
    """The destination's store; of ``log2table`` a table in MariaDB, or else in SQLite."""
    if kind == "log2log":
        home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "totals", "", even_shards(1)))
    elif kind == "log2metric":
        home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "metrics", "", even_shards(1), METRIC_INDEX, telemetry="metrics"))
    elif database is None:
        with closing(sqlite3.connect(folder / "tables.sqlite")) as connection:
            connection.execute(TABLE)
        parameter = {"db": str(folder / "tables.sqlite"), "table": "totals"}
        home.catalogue().create_external_store(DEFAULT_PROJECT, ExternalStoreDescriptor("totals_table", "sqlite", parameter))
    else:
        database.execute(TABLE)
        (folder / "password").write_text(database.password)
        parameter = {"region": "", "vpc-id": "", "instance-id": "", "host": database.host, "port": str(database.port),
                     "username": database.user, "password": f"file:{folder / 'password'}", "db": database.name, "table": "totals"}  # fmt: skip
        config = parse_config(json.dumps({"externalStoreName": "totals_table", "storeType": "rds-vpc", "parameter": parameter}))
        home.catalogue().create_external_store(DEFAULT_PROJECT, config.descriptor)


def held(home: Home, kind: str, folder: Path, database: Database | None = None) -> Counter[tuple[int, str, int, int]]:
    """What the destination holds, as `totals` says it."""
    if kind == "log2table":
        select = "select minute, status, requests, bytes from totals"
        if database is not None:
            return Counter(tuple(row) for row in database.execute(select))
        with closing(sqlite3.connect(folder / "tables.sqlite")) as connection:
            return Counter(connection.execute(select).fetchall())
    logs = [
        log for group in home.open_logstore(DEFAULT_PROJECT, "totals" if kind == "log2log" else "metrics").read() for log in _timed(group)
    ]
    if kind == "log2log":
        return Counter((time, log["status"], int(log["requests"]), int(log["bytes"])) for time, log in logs)
    values: dict[tuple[int, str, str], list[dict[str, str]]] = {}
    for _, log in logs:
        values.setdefault((int(log["__time_nano__"]) // 10**9, log["__labels__"].removeprefix("status#$#"), log["__name__"]), []).append(
            log
        )
    assert all(len(samples) == 1 for samples in values.values()), "a sample is doubled"
    number = {key: float(samples[0]["__value__"]) for key, samples in values.items()}
    return Counter(
        (at, status, int(value), int(number[at, status, "bytes"])) for (at, status, name), value in number.items() if name == "requests"
    )


def _timed(group: LogGroup) -> list[tuple[int, dict[str, str]]]:
    return list(zip(group.seconds.to_pylist(), group.to_logs(), strict=True))
