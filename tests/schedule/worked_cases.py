"""Worked cases of schedules: a task, what happens to it, and the instances there are at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.schedule.simulation import SECOND, Event, Outcome, Simulation
from transforms.schedule.attempt import Run
from transforms.schedule.instance import Instance
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task
from transforms.schedule.zone import schedule_zone


def run_schedule(
    config: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: str, timezone: str, run_duration: int,
    run_durations: Mapping[str, int], attempts: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[dict[str, Any]]:  # fmt: skip
    """The instances of a task at a moment, in the order of their schedule times."""
    zone = schedule_zone(timezone)

    def moment(text: str) -> int:
        return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())

    def shown(moment_us: int | None) -> str | None:
        return None if moment_us is None else dt.datetime.fromtimestamp(moment_us // SECOND, zone).strftime("%Y-%m-%d %H:%M:%S")

    durations = {moment(text): seconds for text, seconds in run_durations.items()}
    scripted = {moment(text): steps for text, steps in attempts.items()}

    def outcome(instance: Instance, run: int, attempt: int) -> Outcome:
        at = instance.schedule_time
        steps = scripted.get(at, ())
        if attempt < len(steps):
            return round(steps[attempt]["seconds"] * SECOND), steps[attempt]["ok"], False
        return round(durations.get(at, run_duration) * SECOND), True, False

    current = dict(config)
    created_us, happened = 0, []
    for event in events:
        at_us = moment(event["at"]) * SECOND
        if event["type"] == "create":
            created_us = at_us
        elif event["type"] == "edit":
            current = {**current, **event["set"]}
            happened.append(Event(at_us, "edit", _task(current, timezone, moment)))
        elif event["type"] == "retry":
            goes = (round(event["duration"] * SECOND), event["result"] == "SUCCEEDED", True)
            happened.append(Event(at_us, "retry", schedule_time=moment(event["scheduleTime"]), outcome=goes))
        else:
            happened.append(Event(at_us, event["type"]))
    simulation = Simulation(_task(config, timezone, moment), created_us, outcome)
    simulation.run(happened, moment(now) * SECOND)
    return [_instance(one, shown) for _, one in sorted(simulation.instances.items())]


def _task(config: Mapping[str, Any], timezone: str, moment: Any) -> Task:
    """Cases give what schedules depend on; a task has a statement and stores besides. They wait no time between attempts."""
    times = {name: moment(config[name]) for name in ("fromTime", "toTime") if config.get(name) is not None}
    fixed = {"script": "* | select count(*) as c", "sourceLogstore": "source", "destLogstore": "destination"}
    configuration = {**{key: value for key, value in config.items() if key != "schedule"}, "toTime": 0, **times, **fixed}
    task = read_task({"name": "case", "schedule": config["schedule"], "configuration": configuration}, "default", default_zone=timezone)
    return replace(task, limits=replace(task.limits, first_wait=0))


def _instance(one: Instance, shown: Any) -> dict[str, Any]:
    return {
        "scheduleTime": shown(one.schedule_time * SECOND),
        "windowFrom": shown(one.window.start * SECOND),
        "windowTo": shown(one.window.end * SECOND),
        "createTime": shown(one.created_us),
        "executeTime": shown(one.execute_us),
        "endTime": shown(one.end_us),
        "state": str(one.state),
        "retries": one.retries,
        "runs": [_run(run, one, shown) for run in one.runs],
    }


def _run(run: Run, one: Instance, shown: Any) -> dict[str, Any]:
    last = run.attempts[-1] if run.attempts else None
    ended = last is not None and last.ended_us is not None and (run is not one.run or one.finished)
    found = {
        "trigger": run.trigger,
        "executeTime": shown(last.began_us if last else None),
        "endTime": shown(last.ended_us if last and ended else None),
        "state": ("FAILED" if last and last.failure else "SUCCEEDED") if ended else "RUNNING",
    }
    return found if run.trigger == "schedule" else {**found, "requestedAt": shown(run.requested_us)}
