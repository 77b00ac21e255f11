"""Tasks and instances between files, ledger and people: what verbs, pipeline and service share. Imports no Beam."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from pipelines.home import Home
from pipelines.schedule.task_file import read_task_file
from transforms.core.errors import AlreadyExists, ParameterInvalid
from transforms.schedule.ledger import InstanceEntry
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task

__all__ = ["load_task", "shown_instance", "task_of", "worker_name"]


def load_task(path: Path, project: str) -> Task:
    """The task of a file. Raises ParameterInvalid that says all that is wrong, with places."""
    document, places = read_task_file(path)
    return read_task(document, project, places)


def task_of(home: Home, project: str, name_or_file: str) -> str:
    """The name of a task that is in the ledger, from its name or its file. One that is not there yet is created, disabled, so that no
    service takes it up. Raises ParameterInvalid when the file and the ledger differ."""
    if not name_or_file.endswith((".yaml", ".yml", ".json")):
        return name_or_file
    ledger, task = home.schedule_ledger(), load_task(Path(name_or_file), project)
    try:
        ledger.create_task(task, enabled=False)
    except AlreadyExists:
        if ledger.task(project, task.name).task != task:
            raise ParameterInvalid(
                f"the task {task.name!r} is not what {name_or_file} says",
                hint=f"run `logsluice task update {name_or_file}`, or name the task as it is: {task.name}",
            ) from None
    return task.name


def worker_name() -> str:
    """Tells people who holds a turn."""
    return f"{socket.gethostname()}/{os.getpid()}"


def shown_instance(entry: InstanceEntry) -> dict[str, Any]:
    """An instance for programs: moments in milliseconds where the name says so, the window in Unix seconds."""
    one, outcome = entry.instance, entry.outcome
    failure = one.failure
    shown: dict[str, Any] = {
        "jobName": entry.task,
        "instanceId": one.id,
        "jobScheduleId": entry.schedule_id,
        "state": str(one.state),
        "scheduleTimeInMillis": one.schedule_time * 1_000,
        "from": one.window.start,
        "to": one.window.end,
        "createTimeInMillis": one.created_us // 1_000,
        "beginTimeInMillis": None if one.execute_us is None else one.execute_us // 1_000,
        "updateTimeInMillis": None if one.end_us is None else one.end_us // 1_000,
        "retries": one.retries,
        "runs": len(one.runs),
        "errorCode": None if failure is None else failure.code,
        "errorMessage": None if failure is None else failure.message,
        "stale": entry.stale,
    }
    if outcome is not None:
        shown["result"] = {
            "rowsRead": outcome.rows_read,
            "bytesRead": outcome.bytes_read,
            "rowsResult": outcome.rows_result,
            "rowsWritten": outcome.rows_written,
            "skipped": outcome.skipped,
            "notes": list(outcome.notes),
        }
    return shown
