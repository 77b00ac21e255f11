"""The operational log: what it says of an end, and that it says it exactly once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.schedule.instance_reports import InstanceReports
from pipelines.schedule.operational_log import OPERATIONAL_LOG, OperationalLog, ends_of
from tests.conftest import Cli
from tests.pipelines.scheduler_world import make_due
from tests.warm_crash import WarmProgram, chosen_moments
from transforms.core.errors import NotFound
from transforms.schedule.failure import CANCELLED, Failure
from transforms.schedule.ledger import InstanceEntry, Outcome, Turn


def claim(home: Home, task: str = "one") -> Turn:
    turn = home.schedule_ledger().claim(DEFAULT_PROJECT, task, "test", 30)
    assert isinstance(turn, Turn), turn
    return turn


def end(home: Home, task: str = "one", failure: Failure | None = None) -> InstanceEntry:
    """One more instance of a task ends."""
    ledger = home.schedule_ledger()
    turn = claim(home, task)
    return ledger.succeed(turn, Outcome(rows_written=7)) if failure is None else ledger.fail(turn, failure)


def report(home: Home, *, operational_log: bool = True) -> list[str]:
    """What a scheduler's thread does."""
    said: list[str] = []
    reports = InstanceReports(home, operational_log, None, said.append)
    for entry in home.schedule_ledger().unreported():
        reports.ended(entry)
    reports.start()
    reports.close()
    return said


def logged(home: Home) -> list[dict[str, str]]:
    return [log for group in home.open_logstore(DEFAULT_PROJECT, OPERATIONAL_LOG).read() for log in group.to_logs()]


def test_what_is_said_of_an_end(home: Home, cli: Cli) -> None:
    make_due(home, "one", 2, maxRetries=1)
    good = end(home).instance
    bad = Failure("SQLFailed", "the column “pv” is missing – 列不存在")
    first = claim(home)
    home.schedule_ledger().fail(first, bad)
    home.schedule_ledger().cancel(DEFAULT_PROJECT, "one", first.instance.id)
    assert report(home) == []
    one, two = logged(home)
    assert {key: one[key] for key in ("job_name", "job_type", "project", "source_type", "task_type", "status", "succeed_lines", "run")} == {
        "job_name": "one", "job_type": "ScheduledSQL", "project": "default", "source_type": "Logstore", "task_type": "log2log",
        "status": "SUCCEEDED", "succeed_lines": "7", "run": "1",
    }  # fmt: skip
    assert (one["instance_id"], one["schedule_time"]) == (good.id, str(good.schedule_time))
    assert int(one["fallbehind"]) == int(one["trigger_time"]) - good.schedule_time and "error_code" not in one
    assert (two["status"], two["succeed_lines"], two["error_code"]) == ("FAILED", "0", CANCELLED.code)
    found = cli(
        "query", OPERATIONAL_LOG, "job_type: ScheduledSQL and status: FAILED | select job_name, fallbehind > 0 as late", "--format", "jsonl"
    )
    assert [json.loads(line) for line in found.stdout.splitlines()] == [{"job_name": "one", "late": True}], found.stderr


def test_each_run_of_an_instance_has_an_end_of_its_own(home: Home) -> None:
    make_due(home, "one", 1)
    ledger = home.schedule_ledger()
    instance = end(home).instance
    report(home)
    ledger.retry(DEFAULT_PROJECT, "one", instance.id)
    assert report(home) == [] and len(logged(home)) == 1, "a retry that has not run is no end"
    end(home, failure=None)
    ledger.retry(DEFAULT_PROJECT, "one", instance.id)
    end(home)
    report(home)
    assert sorted((log["run"], log["trigger"]) for log in logged(home)) == [("1", "schedule"), ("2", "manual"), ("3", "manual")]


def test_ends_are_marked_when_the_log_is_switched_off(home: Home) -> None:
    make_due(home, "one", 1)
    end(home)
    assert report(home, operational_log=False) == []
    assert home.schedule_ledger().unreported() == ()
    with pytest.raises(NotFound):
        home.open_logstore(DEFAULT_PROJECT, OPERATIONAL_LOG)


def test_a_log_that_cannot_be_written_is_told_and_tried_again(home: Home) -> None:
    make_due(home, "one", 2)
    end(home)
    report(home)
    folder = Path(home.open_logstore(DEFAULT_PROJECT, OPERATIONAL_LOG).descriptor.location)
    hidden = folder.with_name("hidden")
    folder.rename(hidden)
    end(home)
    (said,) = report(home)
    assert "the ends of instances are not reported" in said and len(home.schedule_ledger().unreported()) == 1
    hidden.rename(folder)
    assert report(home) == [] and len(logged(home)) == 2


def test_writers_that_race_write_an_end_once(home: Home) -> None:
    make_due(home, "one", 12)
    for _ in range(12):
        end(home)
    ends = [one for entry in home.schedule_ledger().unreported() for one in ends_of(entry, 0)]

    def write() -> None:
        own = home.once_more()
        log = OperationalLog(own)
        for begin in range(0, 12, 3):
            log.write(DEFAULT_PROJECT, ends[begin : begin + 4])
        own.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(log["instance_id"] for log in logged(home)) == Counter({one.entry.instance.id: 1 for one in ends})


def test_exactly_once_wherever_the_reporter_is_killed(home: Home, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    make_due(home, "one", 60)
    got = tmp_path / "got"
    expected: Counter[str] = Counter()

    def another() -> None:
        expected[end(home).instance.id] += 1

    another()
    with WarmProgram("tests.pipelines.reports_program", str(home.path), str(got)) as program:
        program.killed_at(2)  # the log's Logstore has a folder and no name
        another()
        program.run()
        another()
        moments = program.run()
        assert {"alerts.put before", "logstore.commit after"} <= set(moments), moments
        for number in chosen_moments(moments, request.config.getoption("--soak")):
            another()
            program.killed_at(number)
            another()
            program.run()
            assert Counter(log["instance_id"] for log in logged(home)) == expected, moments[number]
    assert home.schedule_ledger().unreported() == ()
    told = Counter(json.loads(line)["instance_id"] for line in got.read_text().splitlines())
    assert told.keys() == expected.keys(), "an alert comes at least once"
