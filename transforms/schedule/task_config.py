"""A task's configuration, as JSON or YAML holds it, to a `Task`: every problem is found at once and says where it is.

name: spend-per-minute
displayName: Spend per minute
schedule: {type: FixedRate, interval: 1m, delay: 30}     # Hourly | Daily | Weekly | Cron
configuration:
  script: "* | select count(*) as pv, ..."
  sourceLogstore: access
  destLogstore: access-per-minute                          # or destExternalStore, with dataFormat log2table
  fromTimeExpr: "@m-1m"
  toTimeExpr: "@m"
  fromTime: 2026-11-22T00:00:00Z                           # or Unix seconds
  toTime: 0                                                # 0: open
  maxRetries: 20
  maxRunTimeInSeconds: 600
  dataFormat: log2log                                      # log2metric | log2table
  parameters: {}
  late: {mode: rerun, horizon: 7d, debounce: 5m}
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import islice
from typing import Any, cast

from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.schedule.calendar import ScheduleRule
from transforms.schedule.config_fields import Fields, Places, no_places
from transforms.schedule.destinations import read_destination
from transforms.schedule.local_times import LAST_MOMENT
from transforms.schedule.plan_range import read_range
from transforms.schedule.problems import Problem, refusal
from transforms.schedule.retry import RetryLimits
from transforms.schedule.schedule_config import read_schedule
from transforms.schedule.sql_time_window import SqlTimeWindow, WindowExpression, parse_expression
from transforms.schedule.task import LateLogs, Task, TaskName
from transforms.schedule.zone import DEFAULT_ZONE

__all__ = ["READ_ONLY", "problems_of", "read_task"]

_JOB = ("name", "displayName", "description", "schedule", "configuration")
READ_ONLY = ("createTime", "lastModifiedTime", "scheduleId", "status", "type", "recyclable", "state")
"""Keys that a task which was read from elsewhere may carry; they say nothing about it."""
_CONFIGURATION = (
    "script", "sqlType", "sourceLogstore", "destEndpoint", "destProject", "destLogstore", "destExternalStore", "roleArn", "destRoleArn",
    "fromTimeExpr", "toTimeExpr", "fromTime", "toTime", "maxRunTimeInSeconds", "maxRetries", "resourcePool", "dataFormat", "parameters",
    "late", "forceComplete", "maxConcurrency", "usingExactlyOnce",
)  # fmt: skip


def read_task(document: Mapping[str, Any], project: str, places: Places = no_places, default_zone: str = DEFAULT_ZONE) -> Task:
    """The task of a configuration. Raises ParameterInvalid that says all that is wrong with it.

    ``default_zone`` is the zone of schedules by the clock that name none.
    """
    found = _read(document, project, places, default_zone)
    if isinstance(found, Task):
        return found
    raise refusal(found)


def problems_of(document: Mapping[str, Any], project: str, places: Places = no_places) -> tuple[Problem, ...]:
    """All that is wrong with a configuration, in the order of the checks; empty when it is valid."""
    found = _read(document, project, places, DEFAULT_ZONE)
    return () if isinstance(found, Task) else tuple(found)


def _read(document: Mapping[str, Any], project: str, places: Places, default_zone: str) -> Task | list[Problem]:
    problems: list[Problem] = []
    job = Fields(document, (), problems, places)
    name = job.text("name", required=True)
    if name is not None and not TaskName.fullmatch(name):
        job.refuse("name", f"{name!r} is no name of a task", "2 to 64 of a-z, 0-9, - and _, first and last a letter or digit")
    display_name = job.text("displayName", name) or ""
    schedule = job.section("schedule", required=True)
    timing = read_schedule(schedule, default_zone)
    configuration = job.section("configuration", required=True)
    window = _window(configuration)
    span = read_range(schedule, configuration, timing.zone)
    if timing.rule is not None and window is not None and span is not None:
        _check_lengths(configuration, window, timing.rule, span, timing.zone)
    retries = configuration.whole("maxRetries", 1, 100, RetryLimits.max_retries)
    run_time = configuration.whole("maxRunTimeInSeconds", 60, 1_800, RetryLimits.max_run_time)
    destination = read_destination(configuration, project)
    script = configuration.text("script", required=True)
    source = configuration.text("sourceLogstore", required=True)
    configuration.choice("sqlType", ("searchQuery", "standard"), "standard")
    configuration.choice("resourcePool", ("enhanced", "default"), "enhanced")
    late = _late(configuration.section("late"))
    configuration.finish(_CONFIGURATION)
    job.finish((*_JOB, *READ_ONLY))
    if problems or timing.rule is None or window is None or span is None or destination is None:
        return problems
    return Task(
        project, cast(str, name), display_name, job.text("description", "") or "", timing.rule, timing.zone, timing.delay, span.start,
        None if span.end == LAST_MOMENT else span.end, window, cast(str, script), cast(str, source),
        configuration.text("dataFormat", "log2log") or "log2log", destination, RetryLimits(cast(int, retries), cast(int, run_time)), late,
        document,
    )  # fmt: skip


def _window(configuration: Fields) -> SqlTimeWindow | None:
    ends: list[WindowExpression] = []
    for name in ("fromTimeExpr", "toTimeExpr"):
        # An empty expression is the schedule time; one that is missing is a mistake.
        text = configuration.text(name, required=configuration.raw(name) is None)
        if text is not None:
            try:
                ends.append(parse_expression(text, name))
            except ParameterInvalid as error:
                configuration.refuse_nested(name, error)
    return SqlTimeWindow(*ends) if len(ends) == 2 else None


def _check_lengths(configuration: Fields, window: SqlTimeWindow, rule: ScheduleRule, span: Interval, zone: dt.tzinfo) -> None:
    first = rule.first(span.start)
    if first is None:
        return
    # Rounding makes the length depend on the place inside the hour: all places that come are tried.
    for schedule_time in islice(rule.times(Interval(first, span.end), first), rule.cycle):
        problem = window.problem_at(schedule_time, zone)
        if problem is not None:
            configuration.refuse("fromTimeExpr", problem, "a window is from a minute to 24 hours long")
            return


def _late(fields: Fields) -> LateLogs:
    mode = fields.choice("mode", ("report", "rerun"), LateLogs.mode)
    horizon, debounce = fields.duration("horizon", LateLogs.horizon), fields.duration("debounce", LateLogs.debounce)
    fields.finish(("mode", "horizon", "debounce"))
    return LateLogs("rerun" if mode == "rerun" else "report", horizon or LateLogs.horizon, debounce or LateLogs.debounce)
