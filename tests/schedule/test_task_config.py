"""Tasks as configurations give them: every field, every way to write one, what is refused, what is warned of."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.schedule.task_file import parse_task_text
from tests.schedule.tasks import START, document, task
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.schedule.calendar import FixedRate
from transforms.schedule.destinations import LogstoreDestination, MetricstoreDestination, TableDestination
from transforms.schedule.local_times import LAST_MOMENT, LocalTimes
from transforms.schedule.task import LateLogs
from transforms.schedule.task_config import problems_of, read_task
from transforms.schedule.task_warnings import warnings_of

DAILY = {"type": "Daily", "hour": 0}


def messages(given: Any) -> list[str]:
    return [problem.message for problem in problems_of(given, "default")]


def test_a_whole_task() -> None:
    given = {
        "name": "spend-per-minute", "displayName": "Spend", "description": "by province", "status": "ENABLED",
        "schedule": {"type": "FixedRate", "interval": "60s", "delay": 30, "runImmediately": False},
        "configuration": {
            "script": "* | select {{__TASK_SQL_START_TS__}} as __time__, {{__TASK_SQL_END_TS__}}, {{__TASK_SCHEDULED_TS__}}, {{other}}",
            "sqlType": "searchQuery", "sourceLogstore": "access", "destEndpoint": "", "destProject": "other", "destLogstore": "access",
            "roleArn": "acs:ram::1:role/x", "destRoleArn": "acs:ram::1:role/x", "fromTimeExpr": "@m-1m", "toTimeExpr": "@m", "fromTime": START,
            "toTime": START + 86_400, "maxRunTimeInSeconds": 1_800, "maxRetries": 100, "resourcePool": "enhanced", "dataFormat": "log2log",
            "parameters": {}, "late": {"mode": "rerun", "horizon": "1d", "debounce": "1m"},
        },
    }  # fmt: skip
    found = read_task(given, "default")
    assert (found.name, found.display_name, found.description, found.source) == ("spend-per-minute", "Spend", "by province", "access")
    assert (found.rule, found.delay, found.range) == (FixedRate(60), 30, Interval(START, START + 86_400))
    assert found.destination == LogstoreDestination("other", "access")
    assert (found.limits.max_retries, found.limits.max_run_time) == (100, 1_800)
    assert found.late == LateLogs("rerun", 86_400, 60)
    assert found.document == given
    window = found.window_at(START + 7)
    assert found.statement_at(START + 7, window) == f"* | select {START - 60} as __time__, {START}, {START + 7}, {{{{other}}}}"
    assert warnings_of(found) == ()
    assert read_task(json.loads(json.dumps(given)), "default") == found


def test_what_is_left_out_has_a_value() -> None:
    found = task()
    assert (found.delay, found.to_time, found.range.end, found.data_format) == (0, None, LAST_MOMENT, "log2log")
    assert (found.limits.max_retries, found.limits.max_run_time, found.late) == (20, 600, LateLogs())
    assert found.display_name == "per-minute"


@pytest.mark.parametrize(("schedule", "expected"), [
    ({"type": "Hourly"}, "0 * * * *"), (DAILY, "0 0 * * *"), ({"type": "Weekly", "dayOfWeek": 6, "hour": 23}, "0 23 * * 6"),
    ({"type": "Cron", "cronExpression": "0 0/1 * * *"}, "0 0/1 * * *"),
])  # fmt: skip
def test_schedules_by_the_clock(schedule: dict[str, Any], expected: str) -> None:
    rule = task(schedule, fromTimeExpr="@h-1h", toTimeExpr="@h").rule
    assert isinstance(rule, LocalTimes)
    assert (rule.cron.text, rule.zone) == (expected, dt.timezone(dt.timedelta(hours=8)))
    elsewhere = read_task(document({**schedule, "timeZone": "+0530"}), "default").rule
    assert isinstance(elsewhere, LocalTimes) and elsewhere.zone == dt.timezone(dt.timedelta(hours=5, minutes=30))
    assert read_task(document(schedule), "default", default_zone="Europe/Berlin").rule != rule


@pytest.mark.parametrize(("text", "seconds"), [("3s", 3), ("60s", 60), ("5m", 300), ("2h", 7_200), ("1d", 86_400), (" 5 m ", 300)])
def test_intervals(text: str, seconds: int) -> None:
    assert task({"type": "FixedRate", "interval": text}).rule == FixedRate(seconds)


@pytest.mark.parametrize("given", ["2021-04-01T10:00:00+08:00", "2021-04-01 10:00:00", "2021-04-01T02:00:00Z", str(START), START])
def test_moments_are_numbers_or_texts(given: Any) -> None:
    assert task(fromTime=given).from_time == START


def test_older_clients_write_the_range_into_the_schedule() -> None:
    schedule = {"type": "FixedRate", "interval": "10m", "fromTime": START, "toTime": START + 600}
    assert task(schedule, fromTime=None, toTime=None).range == Interval(START, START + 600)
    assert messages(document({**schedule, "fromTime": START + 1}, toTime=None)) == ["schedule.fromTime and configuration.fromTime differ"]


METRICS = {
    "metricKeys": '["pv","err"]',
    "labelKeys": "method, host",
    "hashLabels": '["method"]',
    "addLabels": '{"app":"shop"}',
    "timeKey": "",
}


@pytest.mark.parametrize("parameters", [METRICS, {**METRICS, "metricKeys": ["pv", "err"], "labelKeys": ["method", "host"], "addLabels": {"app": "shop"}},
                                        {**METRICS, "addLabels": '[{"app": "shop"}]'}])  # fmt: skip
def test_metrics(parameters: dict[str, Any]) -> None:
    found = task(dataFormat="log2metric", parameters=parameters, destLogstore="prom").destination
    assert found == MetricstoreDestination("default", "prom", ("pv", "err"), ("method", "host"), ("method",), {"app": "shop"})


@pytest.mark.parametrize(("parameters", "expected"), [
    ({"keyColumns": "province"}, TableDestination("spend", key_columns=("province",))),
    ({"windowColumn": "minute"}, TableDestination("spend", window_column="minute")),
    ({"instanceColumn": "run"}, TableDestination("spend", instance_column="run")),
    ({}, TableDestination("spend")),
])  # fmt: skip
def test_tables(parameters: dict[str, str], expected: TableDestination) -> None:
    found = task(dataFormat="log2table", destLogstore=None, destExternalStore="spend", parameters=parameters)
    assert found.destination == expected
    assert expected.replaces == bool(parameters)
    assert [warning.message[:22] for warning in warnings_of(found)] == ([] if parameters else ["rows of an instance ca"])


def test_windows_are_tried_at_every_place_inside_the_hour_that_comes() -> None:
    every_ten = document(fromTimeExpr="@h", toTimeExpr="@m")
    assert messages(every_ten) == [
        "at the schedule time 2021-04-01 10:00:00 +0800 the window is empty: it begins at 2021-04-01 10:00:00 +0800 and ends at 2021-04-01 10:00:00 +0800"
    ]
    assert messages(document({"type": "Cron", "cronExpression": "10/10 * * * *"}, fromTimeExpr="@h", toTimeExpr="@m")) == []


def test_holes_and_overlaps_are_warned_of() -> None:
    hole = warnings_of(task(fromTimeExpr="@m-5m"))
    assert [one.message for one in hole] == [
        "windows leave a hole of 5m before the one of 2021-04-01 10:10:00 +0800: its logs are in no result"
    ]
    overlap = warnings_of(task(fromTimeExpr="@m-1h"))
    assert [one.message for one in overlap] == [
        "windows overlap by 50m at the one of 2021-04-01 10:10:00 +0800: its logs are in two results",
        "a window of 1h is longer than five intervals of 10m",
    ]


@pytest.mark.parametrize(("parameters", "warned"), [({"windowColumn": "minute"}, True), ({"instanceColumn": "run"}, False)])
def test_overlapping_windows_take_each_others_rows_from_a_table(parameters: dict[str, str], warned: bool) -> None:
    found = task(dataFormat="log2table", destLogstore=None, destExternalStore="spend", parameters=parameters, fromTimeExpr="@m-20m")
    assert [one.message.endswith("replaces rows of its neighbours") for one in warnings_of(found)] == [False, True][: 1 + warned]


def test_five_intervals_are_not_too_long() -> None:
    assert [one.message[:20] for one in warnings_of(task(fromTimeExpr="@m-50m"))] == ["windows overlap by 4"]


def test_a_range_has_an_end_after_its_beginning() -> None:
    assert task(toTime=START + 1).range == Interval(START, START + 1)
    assert messages(document(toTime=START)) == [f"configuration.toTime is {START}, which is not after fromTime"]


def test_days_on_which_clocks_change_are_warned_of() -> None:
    summer = warnings_of(task({**DAILY, "timeZone": "Europe/Berlin"}, fromTimeExpr="-24h", toTimeExpr=""))
    assert [one.message for one in summer] == [
        "windows leave a hole of 1h before the one of 2021-11-01 00:00:00 +0100: its logs are in no result",
        "windows overlap by 1h at the one of 2022-03-28 00:00:00 +0200: its logs are in two results",
    ]
    assert warnings_of(task(DAILY, fromTimeExpr="-24h", toTimeExpr="")) == ()


def test_mistyped_variables_are_warned_of() -> None:
    found = warnings_of(
        task(script="* | select {{__TASK_SQL_START__}}, {{ __TASK_SCHEDULED_TS__ }}, {{unrelated}}, {{__TASK_SQL_END_TS__}}")
    )
    assert [one.hint for one in found] == ["did you mean {{__TASK_SQL_START_TS__}}?", "did you mean {{__TASK_SCHEDULED_TS__}}?"]


def test_problems_come_all_at_once_in_the_order_of_the_checks() -> None:
    given = document(
        {"type": "FixedRate", "interval": "10x", "delay": 121},
        fromTimeExpr="@h-",
        maxRetries=0,
        dataFormat="log2metrics",
        sourceLogstore=None,
    )
    given["name"] = "A"
    assert messages(given) == [
        "'A' is no name of a task", "schedule.delay is 121, which is out of range", "schedule.interval: '10x' is no duration", "configuration.fromTimeExpr: '-' has no unit",
        "configuration.maxRetries is 0, which is out of range", "unknown configuration.dataFormat 'log2metrics'", "configuration.sourceLogstore is missing",
    ]  # fmt: skip
    with pytest.raises(ParameterInvalid) as caught:
        read_task(given, "default")
    assert caught.value.code == "TaskInvalid"
    assert all(message in f"{caught.value.message}\n{caught.value.hint}" for message in messages(given))


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5)  # fmt: skip
PATHS = [("name",), ("displayName",), ("schedule",), ("configuration",), *(("schedule", key) for key in (
    "type", "interval", "cronExpression", "timeZone", "dayOfWeek", "hour", "delay", "runImmediately", "fromTime", "toTime")),
    *(("configuration", key) for key in ("script", "sqlType", "sourceLogstore", "destProject", "destLogstore", "destExternalStore", "fromTimeExpr",
       "toTimeExpr", "fromTime", "toTime", "maxRunTimeInSeconds", "maxRetries", "resourcePool", "dataFormat", "parameters", "late"))]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["FixedRate", "Hourly", "Daily", "Weekly", "Cron"]), st.sampled_from(["log2log", "log2metric", "log2table"]),
       st.dictionaries(st.sampled_from(PATHS), VALUES, min_size=1, max_size=3), st.dictionaries(st.sampled_from(["metricKeys", "labelKeys", "addLabels", "keyColumns"]), VALUES))  # fmt: skip
def test_any_value_in_any_place_is_taken_or_refused(
    kind: str, data_format: str, changes: dict[tuple[str, ...], Any], parameters: dict[str, Any]
) -> None:
    given: Any = document({"type": kind}, dataFormat=data_format, parameters=parameters)
    for path, value in changes.items():
        part = given
        for key in path[:-1]:
            part = part[key] if isinstance(part.get(key), dict) else {}
        part[path[-1]] = value
    try:
        found = read_task(given, "default")
    except ParameterInvalid as error:
        assert error.message
    else:
        assert warnings_of(found) is not None


def test_json_with_tabs_and_yaml_words_that_look_like_numbers() -> None:
    given = json.dumps(document(), indent="\t")
    assert parse_task_text(given, "task.json")[0] == document()
    values, places = parse_task_text("schedule: {timeZone: +0530, hour: 08, at: 2026-11-22 08:00:00, on: true, no: ~, x: 1.5}", "t")
    assert values["schedule"] == {"timeZone": "+0530", "hour": "08", "at": "2026-11-22 08:00:00", "on": True, "no": None, "x": 1.5}
    place = places(("schedule", "hour"))
    assert place is not None and place.text[place.start : place.end] == "08"
