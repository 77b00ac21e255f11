"""Tasks for tests: a valid configuration, and others by what is different in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task

START = 1_617_242_400
"""2021-04-01 10:00:00 at +08:00."""

CONFIGURATION = {
    "script": "* | select count(*) as pv", "sourceLogstore": "access", "destLogstore": "access-per-minute",
    "fromTimeExpr": "@m-10m", "toTimeExpr": "@m", "fromTime": START, "toTime": 0,
}  # fmt: skip


def document(schedule: Mapping[str, Any] | None = None, **configuration: Any) -> dict[str, Any]:
    """A configuration; what is None is left out."""
    chosen = {key: value for key, value in {**CONFIGURATION, **configuration}.items() if value is not None}
    return {"name": "per-minute", "schedule": dict(schedule or {"type": "FixedRate", "interval": "10m"}), "configuration": chosen}


def task(schedule: Mapping[str, Any] | None = None, **configuration: Any) -> Task:
    return read_task(document(schedule, **configuration), "default")


def at(text: str) -> int:
    """Unix seconds of a time of 2021-04-01 at +08:00 (``10:05``), or of a whole moment."""
    full = text if len(text) > 8 else f"2021-04-01 {text}"
    return int(dt.datetime.fromisoformat(full).replace(tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp())
