"""Instances and backfills of tasks on the command line: listed, shown, retried, cancelled; planned, shown, cancelled."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from pipelines.schedule.scheduled_tasks import load_task
from tests.conftest import Cli
from tests.pipelines.test_task_cli import TASK, make_stores
from transforms.core.log_group import LogGroup
from transforms.schedule.ledger import LateLogsSeen, Outcome, ScheduleLedger, Turn

BEGIN = 1_767_225_600
NAME = ("default", "per-minute")


@pytest.fixture
def ledger(home: Home, tmp_path: Path) -> ScheduleLedger:
    """A task with instances: one that went well and is stale, one that failed, one that is running."""
    file = tmp_path / "per-minute.yaml"
    file.write_text(
        TASK.replace("2026-11-22", "2026-01-01").replace("delay: 30", "delay: 0").replace("fromTime:", "maxRetries: 1\n  fromTime:")
    )
    made = home.schedule_ledger()
    made.create_task(load_task(file, "default"))
    made.succeed(claim(made), Outcome(120, 4_000, 2, 2, 1, 9, 77, ("a note",)))
    made.record_late(*NAME, str(BEGIN), 77, LateLogsSeen(3, 99))
    made.cancel(*NAME, claim(made).instance.id)
    claim(made)
    return made


def claim(ledger: ScheduleLedger) -> Turn:
    turn = ledger.claim(*NAME, "worker", 600)
    assert isinstance(turn, Turn), turn
    return turn


def listed(cli: Cli, *options: str) -> list[dict[str, Any]]:
    result = cli("instance", "list", "per-minute", *options, "--format", "json")
    assert result.code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_instances_are_listed_and_filtered(cli: Cli, ledger: ScheduleLedger) -> None:
    found = listed(cli)
    assert [(one["scheduleTimeInMillis"] // 1_000 - BEGIN, one["state"]) for one in found] == [
        (120, "RUNNING"),
        (60, "FAILED"),
        (0, "SUCCEEDED"),
    ]
    well = found[2]
    assert (well["jobName"], well["from"], well["to"], well["stale"]) == ("per-minute", BEGIN - 60, BEGIN, True)
    assert well["result"] == {"rowsRead": 120, "bytesRead": 4_000, "rowsResult": 2, "rowsWritten": 2, "skipped": 1, "notes": ["a note"]}
    assert (found[1]["errorCode"], found[1]["result"]) == ("Cancelled", None)
    assert [one["state"] for one in listed(cli, "--state", "failed", "--state", "SUCCEEDED")] == ["FAILED", "SUCCEEDED"]
    assert [one["state"] for one in listed(cli, "--stale")] == ["SUCCEEDED"]
    assert [one["state"] for one in listed(cli, "--from", "2026-01-01T08:01:00", "--to", "2026-01-01 08:02")] == ["FAILED"]
    page = cli("instance", "list", "per-minute", "--limit", "1", "--offset", "1")
    assert page.stderr == "1 of 3 instances; --limit and --offset give others\n"
    header, _, row = page.stdout.splitlines()
    assert header.split()[:3] == ["schedule", "time", "window"]
    assert row.startswith("2026-01-01 08:01:00 +0800  08:00:00 – 08:01:00  FAILED") and "Cancelled" in row
    rows = list(csv.DictReader(io.StringIO(cli("instance", "list", "per-minute", "--format", "csv").stdout)))
    assert (rows[2]["rowsRead"], rows[2]["stale"], rows[1]["rowsRead"]) == ("120", "true", "")
    assert len(cli("instance", "list", "per-minute", "--limit", "-1", "--format", "jsonl").stdout.splitlines()) == 3
    assert "error[JobNotExist]" in cli("instance", "list", "per-minut").stderr


def test_one_instance_with_all_its_attempts(cli: Cli, ledger: ScheduleLedger) -> None:
    shown = json.loads(cli("instance", "get", "per-minute", str(BEGIN)).stdout)
    assert (shown["displayName"], shown["late"]["logs"], shown["version"]) == ("Logs per minute – 每分钟", 3, 1)
    ((attempt,),) = (run["attempts"] for run in shown["history"])
    assert attempt["beginTimeInMillis"] == shown["beginTimeInMillis"] and attempt["errorCode"] is None
    assert json.loads(cli("instance", "get", "per-minute", shown["instanceId"]).stdout) == shown
    missing = cli("instance", "get", "per-minute", str(BEGIN + 61))
    assert missing.code == 2 and f"{BEGIN + 60} and {BEGIN + 120}" in missing.stderr


def test_retried_and_cancelled_by_hand(cli: Cli, ledger: ScheduleLedger) -> None:
    result = cli("instance", "retry", "per-minute", str(BEGIN), str(BEGIN + 120), str(BEGIN + 60))
    assert result.code == 2
    assert result.stderr.count("will run again") == 2 and "error[JobInstanceStateConflict]" in result.stderr
    assert [one["state"] for one in listed(cli)] == ["RUNNING", "STARTING", "STARTING"]
    cancelled = cli("instance", "cancel", "per-minute", str(BEGIN))
    assert cancelled.code == 0 and cancelled.stderr.endswith("cancelled: it is SUCCEEDED\n")
    assert cli("instance", "cancel", "per-minute", str(BEGIN)).code == 2
    assert cli("instance", "retry", "per-minute", str(BEGIN + 60)).code == 2
    assert cli("instance", "retry", "per-minute", str(BEGIN)).code == 0


def test_a_backfill_is_written_down_shown_and_cancelled(cli: Cli, home: Home, ledger: ScheduleLedger) -> None:
    make_stores(home, "access")
    logs = [LogGroup.from_logs([{"n": "1"}] * 3, [BEGIN - 200, BEGIN - 100, BEGIN + 5])]
    home.open_logstore("default", "access").append(logs)
    span = ("--from", "2026-01-01 07:55", "--to", "2026-01-01 08:10")
    created = cli("backfill", "create", "--task", "per-minute", *span, "--again", "--reason", "zu spät – 晚了")
    assert created.code == 0
    assert created.stderr.startswith("backfill 1 of the task per-minute created: 7 windows\n")
    shown = cli("backfill", "show", "per-minute", "1").stdout
    assert "7 windows: 5 missing, 1 failed, 1 again" in shown and "zu spät – 晚了" in shown
    assert "1 instance that has not ended" in shown and "1 file with 3 logs" in shown
    assert "2026-01-01 07:55:00 +0800, window 2026-01-01 07:54:00 +0800 – 2026-01-01 07:55:00 +0800" in shown
    found = json.loads(cli("backfill", "show", "per-minute", "1", "--format", "json").stdout)
    assert found["left"] == {"windows": 7, "missing": 5, "failed": 1, "again": 1, "notEnded": 1}
    assert found["again"] is True and found["read"] == {"from": BEGIN - 360, "to": BEGIN + 60}
    assert (found["files"], found["logs"]) == (1, 3) and found["estimatedSeconds"] >= 0
    (row,) = json.loads(cli("backfill", "list", "--format", "json").stdout)
    assert (row["task"], row["backfill"], row["state"], row["reason"]) == ("per-minute", 1, "created", "zu spät – 晚了")
    assert cli("backfill", "cancel", "per-minute", "1").stderr == "backfill 1 of the task per-minute cancelled: 0 windows had been run\n"
    assert cli("backfill", "cancel", "per-minute", "1").code == 2
    assert "0 windows" in cli("backfill", "show", "per-minute", "1").stdout
    for options, code in (
        ((*span, "--reason", " "), "ParameterInvalid"),
        (("--from", "2026-01-02", "--to", "2026-01-01", "--reason", "x"), "ParameterInvalid"),
    ):
        refused = cli("backfill", "create", "--task", "per-minute", *options)
        assert refused.code == 2 and f"error[{code}]" in refused.stderr
    assert "error[BackfillNotExist]" in cli("backfill", "show", "per-minute", "2").stderr


def test_without_a_source_or_an_instance_the_backfill_says_so(cli: Cli, home: Home, ledger: ScheduleLedger) -> None:
    cli("backfill", "create", "--task", "per-minute", "--from", "2026-01-01 07:55", "--to", "2026-01-01 07:57", "--reason", "r")
    shown = cli("backfill", "show", "per-minute", "1").stdout
    assert "nothing: there is no 'access'" in shown
    assert json.loads(cli("backfill", "show", "per-minute", "1", "--format", "json").stdout)["files"] is None


def test_a_job_file_is_still_taken_without_a_verb(cli: Cli) -> None:
    for words in (("none.yaml", "--reason", "r"), ("--reason", "r", "none.yaml"), ("job", "none.yaml", "--reason", "r")):
        refused = cli("backfill", *words)
        assert refused.code == 2 and "there is no file none.yaml" in refused.stderr
    assert "backfill job.yaml" in cli("backfill", "--help").stdout
