"""Instances as plain values (JSON), the way a ledger keeps them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.core.interval import Interval
from transforms.schedule.attempt import Attempt, Run
from transforms.schedule.failure import Failure
from transforms.schedule.instance import Instance, InstanceState

__all__ = ["instance_of", "record_of"]


def record_of(one: Instance) -> dict[str, Any]:
    """Texts, whole numbers, lists and mappings: window in Unix seconds, moments in microseconds."""
    return {
        "id": one.id,
        "schedule_time": one.schedule_time,
        "window": [one.window.start, one.window.end],
        "created_us": one.created_us,
        "origin": one.origin,
        "state": str(one.state),
        "next_attempt_us": one.next_attempt_us,
        "runs": [
            {"trigger": run.trigger, "requested_us": run.requested_us, "attempts": [_attempt_record(attempt) for attempt in run.attempts]}
            for run in one.runs
        ],
    }


def instance_of(record: Mapping[str, Any]) -> Instance:
    """The instance of a record that `record_of` made."""
    return Instance(
        id=record["id"],
        schedule_time=record["schedule_time"],
        window=Interval(*record["window"]),
        created_us=record["created_us"],
        origin=record["origin"],
        state=InstanceState(record["state"]),
        runs=tuple(
            Run(run["trigger"], run["requested_us"], tuple(_attempt(attempt) for attempt in run["attempts"])) for run in record["runs"]
        ),
        next_attempt_us=record["next_attempt_us"],
    )


def _attempt_record(attempt: Attempt) -> dict[str, Any]:
    failure = None if attempt.failure is None else [attempt.failure.code, attempt.failure.message]
    return {"began_us": attempt.began_us, "ended_us": attempt.ended_us, "failure": failure}


def _attempt(record: Mapping[str, Any]) -> Attempt:
    failure = record["failure"]
    return Attempt(record["began_us"], record["ended_us"], None if failure is None else Failure(*failure))
