"""Tasks of scheduled SQL on the command line: created, checked, shown, planned, changed, and what is only warned of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from tests.conftest import Cli
from tests.schedule.sql_ledger import made
from transforms.core.log_group import LogGroup
from transforms.schedule.plan import Progress
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

TASK = """\
name: per-minute
displayName: Logs per minute – 每分钟
schedule: {type: FixedRate, interval: 1m, delay: 30}
configuration:
  script: "* | select count(*) as pv"
  sourceLogstore: access
  destLogstore: access-per-minute
  fromTimeExpr: "@m-1m"
  toTimeExpr: "@m"
  fromTime: 2026-11-22T08:00:00+08:00
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "per-minute.yaml"
    path.write_text(TASK, encoding="utf-8")
    return path


def make_stores(home: Home, *names: str) -> None:
    for name in names:
        home.create_logstore(LogstoreDescriptor("default", name, "", even_shards(1)))


def test_the_life_of_a_task(cli: Cli, home: Home, file: Path) -> None:
    make_stores(home, "access", "access-per-minute")
    created = cli("task", "create", str(file))
    assert (created.code, created.stdout) == (0, "")
    window = "over 2026-11-22 07:59:00 +0800 – 2026-11-22 08:00:00 +0800"
    assert created.stderr in [
        f"task per-minute created; the next instance starts {start}, {window}\n" for start in ("now", "at 2026-11-22 08:00:30 +0800")
    ]
    again = cli("task", "create", str(file))
    assert again.code == 2 and "error[JobAlreadyExist]" in again.stderr

    shown = json.loads(cli("task", "get", "per-minute").stdout)
    assert shown["displayName"] == "Logs per minute – 每分钟" and shown["status"] == "ENABLED"
    assert shown["createTime"] == shown["lastModifiedTime"] > 1_700_000_000 and len(shown["scheduleId"]) == 32

    assert cli("task", "disable", "per-minute").stderr == "task per-minute disabled\n"
    listed = cli("task", "list").stdout.splitlines()
    assert listed[0].split() == ["task", "status", "schedule", "source", "destination", "last", "next"]
    cells = ["per-minute", "disabled", "FixedRate", "1m", "access", "access-per-minute", "-", "2026-11-22", "08:00:00", "+0800"]
    assert listed[2].split() == cells
    assert json.loads(cli("task", "list", "--format", "json").stdout)[0]["status"] == "DISABLED"
    assert cli("task", "list", "--source", "other", "--format", "jsonl").stdout == ""
    assert cli("task", "enable", "per-minute").stderr.startswith("task per-minute enabled; the next instance starts")

    unchanged = cli("task", "update", str(file)).stderr
    assert unchanged.startswith("task per-minute is as it was;")
    file.write_text(TASK.replace("count(*) as pv", "count(*) as n"))
    assert cli("task", "update", str(file)).stderr.startswith("task per-minute changed, version 2;")
    assert "count(*) as n" in cli("task", "get", "per-minute").stdout
    file.write_text(TASK.replace("sourceLogstore: access", "sourceLogstore: other"))
    refused = cli("task", "update", str(file))
    assert refused.code == 2 and "sourceLogstore cannot be changed" in refused.stderr

    assert cli("task", "delete", "per-minute").stderr == "task per-minute deleted; what it wrote is still there\n"
    gone = cli("task", "delete", "per-minute")
    assert gone.code == 2 and "error[JobNotExist]" in gone.stderr


def test_what_is_read_can_be_written_back_as_json(cli: Cli, file: Path, tmp_path: Path) -> None:
    assert cli("task", "create", "--disabled", str(file)).stderr.splitlines()[-1].startswith("task per-minute created, disabled;")
    saved = tmp_path / "saved.json"
    saved.write_text(cli("task", "get", "per-minute").stdout)
    assert "task per-minute is as it was" in cli("task", "update", str(saved)).stderr


def test_a_wrong_file_is_refused_with_every_mistake_at_its_place(cli: Cli, file: Path) -> None:
    file.write_text(TASK.replace("type: FixedRate", "type: FixdRate").replace("delay: 30", "delay: 300"))
    for verb in ("create", "check", "update", "plan"):
        result = cli("task", verb, str(file))
        assert (result.code, result.stdout) == (2, "")
        assert f"{file}:3:18" in result.stderr and "did you mean 'FixedRate'?" in result.stderr
        assert "problem 2 of 2: schedule.delay is 300" in result.stderr and "^^^" in result.stderr
    missing = cli("task", "create", str(file.with_name("none.yaml")))
    assert missing.code == 2 and "there is no file" in missing.stderr


def test_what_would_fail_is_warned_of_at_its_place(cli: Cli, home: Home, file: Path) -> None:
    result = cli("task", "check", str(file))
    assert (result.code, result.stdout) == (0, "")
    assert "warning: instances will fail: there is no Logstore 'access' in the project 'default'" in result.stderr
    assert f"{file}:6:19" in result.stderr and f"{file}:7:17" in result.stderr
    assert f"{file}: the task per-minute is valid, 2 warnings" in result.stderr
    make_stores(home, "access", "access-per-minute")
    assert cli("task", "check", str(file)).stderr == f"{file}: the task per-minute is valid\n"
    file.write_text(TASK.replace("count(*)", "cuont(*)").replace('"@m-1m"', '"@m-2m"'))
    warned = cli("task", "create", str(file))
    assert warned.code == 0
    assert "windows overlap by 1m" in warned.stderr
    assert f"{file}:5:23" in warned.stderr and "did you mean count?" in warned.stderr
    block = TASK.replace('"* | select count(*) as pv"', "|\n    * | select\n      cuont(*) as pv")
    file.write_text(block)
    assert f"{file}:7:7" in cli("task", "check", str(file)).stderr
    file.write_text(TASK.replace("count(*) as pv", "count(*) as pv, {{__TASK_SQL_END_TS__}} as t, cuont(*)"))
    assert "--> statement:1:" in cli("task", "check", str(file)).stderr


def test_several_files_are_all_checked(cli: Cli, file: Path) -> None:
    wrong = file.with_name("wrong.json")
    wrong.write_text('{"name": "x"}')
    result = cli("task", "check", str(wrong), str(file))
    assert result.code == 2
    assert "error[TaskInvalid]" in result.stderr and "the task per-minute is valid" in result.stderr


def test_the_plan_of_a_file_and_of_a_task(cli: Cli, home: Home, file: Path) -> None:
    file.write_text(
        TASK.replace("2026-11-22", "2026-01-01").replace("fromTime: 2026", "toTime: 2026-01-01T09:00:00+08:00\n  fromTime: 2026")
    )
    rows = json.loads(cli("task", "plan", str(file), "--count", "2", "--format", "json").stdout)
    begin = 1_767_225_600
    assert [row["scheduleTimeInMillis"] for row in rows] == [begin * 1_000, (begin + 60) * 1_000]
    assert (rows[0]["from"], rows[0]["to"], rows[0]["problem"]) == (begin - 60, begin, None)
    table = cli("task", "plan", str(file), "--from", "2026-01-01 08:58", "--to", "2026-01-02").stdout.splitlines()
    assert len(table) == 4 and table[0].split() == ["schedule", "time", "from", "to", "starts"]
    assert table[2].split()[:3] == ["2026-01-01", "08:58:00", "+0800"] and table[2].split()[-1] == "due"
    assert cli("task", "plan", str(file), "--from", "2027-01-01", "--format", "jsonl").stdout == ""

    cli("task", "create", str(file))
    ledger = home.schedule_ledger()
    ledger.claim("default", "per-minute", "worker", 30)
    for named in (str(file), "per-minute"):
        rows = json.loads(cli("task", "plan", named, "--count", "1", "--format", "json").stdout)
        assert rows[0]["scheduleTimeInMillis"] == (begin + 60) * 1_000, "it goes on from where the task is"
    assert cli("task", "plan", "per-minut").code == 2


def test_what_a_task_will_write_is_estimated_from_a_sample(cli: Cli, home: Home, file: Path) -> None:
    nothing = cli("task", "estimate", str(file))
    assert nothing.code == 2 and "error[LogStoreNotExist]" in nothing.stderr
    make_stores(home, "access", "access-per-minute")
    begin = 1_767_225_600
    logs = LogGroup.from_logs([{"n": "1"}] * 600, [begin + number for number in range(600)])
    home.open_logstore("default", "access").append([logs])
    file.write_text(TASK.replace("2026-11-22", "2026-01-01"))
    result = cli("task", "estimate", str(file), "--windows", "3", "--format", "json")
    rows = {(row["period"], row["store"]): row for row in json.loads(result.stdout)}
    assert rows["day", "source"]["rows"] == 86_400 and rows["day", "destination"]["rows"] == 1_440
    assert rows["year", "destination"]["rows_percent"] == pytest.approx(100 / 60, abs=0.001)
    assert result.stderr.startswith("3 windows tried of 2026-01-01 08:00:00 +0800 – 2026-01-01 08:10:00 +0800: 1.0 rows and ")
    cli("task", "create", str(file))
    assert cli("task", "estimate", "per-minute", "--windows", "1").code == 0


def test_the_plan_is_the_ledgers(home: Home) -> None:
    from pipelines.schedule.task_views import coming_windows
    from transforms.core.interval import ALL_TIME, Interval
    from transforms.schedule.plan import upcoming

    for schedule in (
        {"type": "FixedRate", "interval": "7m"},
        {"type": "Cron", "cronExpression": "3/20 * * * *", "timeZone": "Europe/Berlin"},
    ):
        task = made(schedule=schedule)
        for progress in (
            Progress("", 0),
            Progress("", 0, task.from_time, task.from_time + 8_000, taken=frozenset({task.from_time + 8_400})),
        ):
            found = coming_windows(task, progress, ALL_TIME, 40)
            expected: list[Any] = []
            for at in upcoming(task, progress):
                if len(expected) == 40:
                    break
                expected.append((at, task.window_at(at)))
            assert [(one.schedule_time, one.window) for one in found] == expected
            far = Interval(expected[20][0], expected[30][0])
            assert [one.schedule_time for one in coming_windows(task, progress, far, 99)] == [at for at, _ in expected[20:30]]
