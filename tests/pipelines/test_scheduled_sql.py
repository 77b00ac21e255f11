"""One instance at a time: its window, its rows at each kind of destination, once; what fails, and who may write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.schedule.instance_rows import MOST_RESULT_ROWS, check_rows
from tests.conftest import ROOT
from tests.mariadb import MariadbServer
from tests.pipelines.schedule_world import START, add_logs, held, make_destination, make_source, make_task, task_document, totals
from tests.warm_crash import WarmProgram, chosen_moments
from transforms.core.errors import CommitConflict, QueryFailed
from transforms.schedule.instance import InstanceState
from transforms.schedule.ledger import InstanceEntry

MINUTE = 4
AT = START + 60 * (MINUTE + 1)
"""The schedule time whose window is the minute."""
KINDS = ("log2log", "log2metric", "log2table")


def run_one(home: Home, name: str, schedule_time: int = AT, *flags: str) -> InstanceEntry:
    """Run the instance of a schedule time in this process."""
    from pipelines.launch import options_of
    from pipelines.scheduled_sql import run_recorded

    turn = home.schedule_ledger().claim_at(DEFAULT_PROJECT, name, schedule_time, "test", 30)
    return run_recorded(home, turn, options_of(["--runner", "DirectRunner", *flags]))


@pytest.mark.parametrize("kind", KINDS)
def test_an_instance_writes_its_window_and_running_it_again_replaces(home: Home, tmp_path: Path, kind: str) -> None:
    make_source(home)
    make_destination(home, kind, tmp_path)
    make_task(home, kind)
    entry = run_one(home, f"count-{kind}")
    assert entry.instance.state is InstanceState.SUCCEEDED
    assert entry.outcome is not None
    assert (entry.outcome.rows_result, entry.outcome.rows_written) == (3, 6 if kind == "log2metric" else 3)
    assert held(home, kind, tmp_path) == totals([MINUTE])
    add_logs(home, MINUTE, range(3 + MINUTE, 20))
    assert run_one(home, f"count-{kind}").instance.state is InstanceState.SUCCEEDED
    assert held(home, kind, tmp_path) == totals([MINUTE], {MINUTE: 20})
    run_one(home, f"count-{kind}", AT + 60)
    assert held(home, kind, tmp_path) == totals([MINUTE, MINUTE + 1], {MINUTE: 20})


@pytest.mark.parametrize("kind", ["log2log", "log2metric"])
def test_rows_carry_the_tags_of_their_instance(home: Home, tmp_path: Path, kind: str) -> None:
    make_source(home)
    make_destination(home, kind, tmp_path)
    make_task(home, kind)
    entry = run_one(home, f"count-{kind}")
    store = home.open_logstore(DEFAULT_PROJECT, "totals" if kind == "log2log" else "metrics")
    logs = [log for group in store.read() for log in group.to_logs()]
    assert logs
    assert entry.instance.execute_us is not None
    for log in logs:
        assert {name: value for name, value in log.items() if name.startswith("__tag__")} == {
            "__tag__:__instance_id__": entry.instance.id,
            "__tag__:__job__": f"count-{kind}",
            "__tag__:__project__": DEFAULT_PROJECT,
            "__tag__:__schedule_time__": str(AT),
            "__tag__:__trigger_time__": str(entry.instance.execute_us // 1_000_000),
        }


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_without_logs_takes_away_what_was_there(home: Home, tmp_path: Path, kind: str) -> None:
    make_source(home)
    make_destination(home, kind, tmp_path)
    task = make_task(home, kind)
    run_one(home, task.name)
    edited = {**task_document(kind)["configuration"], "script": f"n > 1000 | {task.script.partition('|')[2]}"}
    from transforms.schedule.task_config import read_task

    home.schedule_ledger().update_task(read_task({**task_document(kind), "configuration": edited}, DEFAULT_PROJECT))
    entry = run_one(home, task.name)
    assert entry.instance.state is InstanceState.SUCCEEDED
    assert entry.outcome is not None and entry.outcome.rows_written == 0
    assert held(home, kind, tmp_path) == totals([])


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({"script": "* | select statu, count(1) group by statu"}, "SQLFailed"),
        ({"script": "* | select cast(status as bigint) / (cast(status as bigint) - cast(status as bigint)) as x"}, "SQLFailed"),
        ({"script": "status: 200"}, "SQLFailed"),
        ({"script": "* | insert into totals(n) select count(1) as n"}, "SQLFailed"),
        ({"sourceLogstore": "wbe"}, "LogStoreNotExist"),
        ({"destLogstore": "total"}, "LogStoreNotExist"),
    ],
)
def test_what_cannot_run_is_a_failed_attempt_that_says_why(home: Home, tmp_path: Path, configuration: dict[str, Any], code: str) -> None:
    make_source(home, 6)
    make_destination(home, "log2log", tmp_path)
    make_task(home, "log2log", maxRetries=1, **configuration)
    entry = run_one(home, "count-log2log")
    assert entry.instance.state is InstanceState.STARTING, "there is a retry left"
    assert entry.instance.failure is not None and entry.instance.failure.code == code
    assert run_one(home, "count-log2log").instance.state is InstanceState.FAILED
    assert held(home, "log2log", tmp_path) == totals([])


def test_more_rows_than_may_be_written_are_an_error() -> None:
    check_rows(MOST_RESULT_ROWS)
    with pytest.raises(QueryFailed, match="more than 1,000,000 rows") as caught:
        check_rows(MOST_RESULT_ROWS + 1)
    assert caught.value.code == "TooManyRows"


def test_all_groups_are_written_not_the_first_hundred(home: Home, tmp_path: Path) -> None:
    make_source(home, 1)
    add_logs(home, 0, range(1000, 1700))
    make_destination(home, "log2log", tmp_path)
    make_task(home, "log2log", script="* | select n, count(1) as requests group by n")
    entry = run_one(home, "count-log2log", START + 60)
    assert entry.outcome is not None and entry.outcome.rows_written == 703


@pytest.mark.parametrize("kind", KINDS)
def test_an_attempt_that_was_overtaken_writes_nothing(home: Home, tmp_path: Path, kind: str) -> None:
    from pipelines.launch import options_of
    from pipelines.scheduled_sql import run_turn

    make_source(home)
    make_destination(home, kind, tmp_path)
    name = make_task(home, kind).name
    ledger = home.schedule_ledger()
    slow = ledger.claim_at(DEFAULT_PROJECT, name, AT, "slow", 0.05)
    while True:
        try:
            later = ledger.claim_at(DEFAULT_PROJECT, name, AT, "quick", 30)
            break
        except CommitConflict as error:
            assert error.code == "TaskBusy"
    add_logs(home, MINUTE, range(3 + MINUTE, 20))
    run_turn(home, later, options_of([]))
    before = held(home, kind, tmp_path)
    with pytest.raises(CommitConflict) as caught:
        run_turn(home, slow, options_of([]))
    assert caught.value.code == "InstanceSuperseded"
    assert held(home, kind, tmp_path) == before == totals([MINUTE], {MINUTE: 20})


def test_as_a_program_over_a_task_file(home: Home, tmp_path: Path) -> None:
    make_source(home)
    make_destination(home, "log2log", tmp_path)
    file = tmp_path / "task.json"
    file.write_text(json.dumps(task_document("log2log")))

    def program(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipelines.scheduled_sql", "--home", str(home.path), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env=os.environ)

    done = program("--task", str(file), "--schedule-time", "2026-01-01T08:05:00+08:00")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["state"], told["from"], told["to"]) == ("SUCCEEDED", START + 240, START + 300)
    assert held(home, "log2log", tmp_path) == totals([MINUTE])
    assert not home.schedule_ledger().task(DEFAULT_PROJECT, "count-log2log").enabled
    wrong = program("--task", "count-log2log", "--schedule-time", "2026-01-01T08:05:30+08:00")
    assert wrong.returncode == 2 and "schedule time" in wrong.stderr and wrong.stdout == ""
    assert program("--task", "count-log2log").returncode == 2
    assert "--schedule-time" in program("--help").stdout


def test_workers_in_other_processes_need_no_home(home: Home, tmp_path: Path) -> None:
    make_source(home)
    make_destination(home, "log2log", tmp_path)
    make_task(home, "log2log")
    assert run_one(home, "count-log2log", AT, "--direct_num_workers", "2").instance.state is InstanceState.SUCCEEDED
    assert held(home, "log2log", tmp_path) == totals([MINUTE])


@pytest.mark.parametrize("kind", ["log2log", "log2metric", "log2table", "log2table-mariadb"])
def test_killed_at_every_durable_moment_and_run_again(home: Home, tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    server: MariadbServer | None = request.getfixturevalue("mariadb") if kind.endswith("-mariadb") else None
    database = None if server is None else server.database()
    kind = kind.removesuffix("-mariadb")
    make_source(home)
    make_destination(home, kind, tmp_path, database)
    name = make_task(home, kind).name
    counts = {MINUTE: 3 + MINUTE}
    with WarmProgram("tests.pipelines.instance_program", str(home.path), name, str(AT)) as program:
        first = program.run()
        assert any("commit" in moment for moment in first), first
        assert held(home, kind, tmp_path, database) == totals([MINUTE])
        moments = program.run()
        for number in chosen_moments(moments, request.config.getoption("--soak")):
            # More logs each time: rows of before the kill and of after it can be told apart.
            before = totals([MINUTE], counts)
            add_logs(home, MINUTE, range(counts[MINUTE], counts[MINUTE] + 1))
            counts[MINUTE] += 1
            after = totals([MINUTE], counts)
            program.killed_at(number)
            assert held(home, kind, tmp_path, database) in (before, after), moments[number]
            program.run()
            assert held(home, kind, tmp_path, database) == after, moments[number]
