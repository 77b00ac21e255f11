"""Instances as people and programs are shown them, beside `shown_instance`. Imports no Beam."""

from __future__ import annotations

from typing import Any

from pipelines.schedule.scheduled_tasks import shown_instance
from transforms.core.moments import format_moment
from transforms.schedule.instance import Instance
from transforms.schedule.ledger import InstanceEntry, TaskEntry
from transforms.schedule.task import Task

__all__ = ["FIELDS", "FLAT", "TABLE", "instance_flat_row", "instance_row", "instance_table_row", "instance_whole"]

FIELDS = (
    "jobName", "instanceId", "jobScheduleId", "state", "scheduleTimeInMillis", "from", "to", "createTimeInMillis", "beginTimeInMillis",
    "updateTimeInMillis", "retries", "runs", "errorCode", "errorMessage", "stale", "result",
)  # fmt: skip
"""What a listed instance has, for programs; ``result`` is null until an attempt went well."""
_RESULT = ("rowsRead", "bytesRead", "rowsResult", "rowsWritten", "skipped")
FLAT = (*FIELDS[:-1], *_RESULT)
"""The same without anything inside anything, for CSV."""
TABLE = ("schedule time", "window", "state", "began", "seconds", "tries", "read", "written", "late", "error", "instance")


def instance_row(entry: InstanceEntry) -> list[Any]:
    """Values of `FIELDS`."""
    shown = shown_instance(entry)
    return [shown.get(name) for name in FIELDS]


def instance_flat_row(entry: InstanceEntry) -> list[Any]:
    """Values of `FLAT`."""
    shown = shown_instance(entry)
    return [{**shown, **shown.get("result", {})}.get(name) for name in FLAT]


def instance_table_row(entry: InstanceEntry, task: Task) -> list[Any]:
    """Values of `TABLE`: times in the task's zone, the length of the last attempt, attempts of the last run, logs that came late."""
    one, outcome = entry.instance, entry.outcome
    attempt = one.run.attempts[-1] if one.run.attempts else None
    ended = None if attempt is None else attempt.ended_us
    seconds = None if attempt is None or ended is None else round((ended - attempt.began_us) / 1_000_000, 1)
    began = "-" if one.execute_us is None else format_moment(one.execute_us // 1_000_000, task.zone)
    failure = one.failure
    return [
        format_moment(one.schedule_time, task.zone),
        _window(one, task),
        str(one.state),
        began,
        "-" if seconds is None else f"{seconds:.1f} s",
        len(one.run.attempts),
        "-" if outcome is None else outcome.rows_read,
        "-" if outcome is None else outcome.rows_written,
        "-" if entry.late is None else entry.late.logs,
        "-" if failure is None else failure.code,
        one.id,
    ]


def _window(one: Instance, task: Task) -> str:
    """Hours alone where the day is that of the schedule time."""
    day, _, _ = format_moment(one.schedule_time, task.zone).partition(" ")
    ends = [format_moment(at, task.zone).removeprefix(f"{day} ").rpartition(" ")[0] for at in (one.window.start, one.window.end)]
    return " – ".join(ends)


def instance_whole(entry: InstanceEntry, task: TaskEntry) -> dict[str, Any]:
    """All that is known of an instance: every attempt of every run."""
    one = entry.instance
    runs = [
        {
            "trigger": run.trigger,
            "requestTimeInMillis": run.requested_us // 1_000,
            "attempts": [
                {
                    "beginTimeInMillis": attempt.began_us // 1_000,
                    "endTimeInMillis": None if attempt.ended_us is None else attempt.ended_us // 1_000,
                    "errorCode": None if attempt.failure is None else attempt.failure.code,
                    "errorMessage": None if attempt.failure is None else attempt.failure.message,
                }
                for attempt in run.attempts
            ],
        }
        for run in one.runs
    ]
    late = None if entry.late is None else {"logs": entry.late.logs, "receiveTimeInMillis": entry.late.received_us // 1_000}
    more = {"origin": one.origin, "version": entry.version, "turn": entry.turn, "backfill": entry.backfill, "late": late, "history": runs}
    names = {"displayName": task.task.display_name, "description": task.task.description}
    return {**shown_instance(entry), **names, **more}
