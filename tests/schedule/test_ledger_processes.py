"""The ledger under real processes: several that want the same turns, and one that is killed at each durable moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.ledger_database import DATABASES
from tests.schedule.ledger_program import WINDOWS, run_to_the_end
from tests.schedule.sql_ledger import Kept, ledger_url, made
from transforms.connectors.sql_schedule_ledger import open_sql_schedule_ledger
from transforms.core.durable import Moment, observe
from transforms.core.interval import Interval

PROGRAM = "tests.schedule.ledger_program"


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ledger_url(request, tmp_path)


def test_many_processes_never_run_two_instances_of_a_task_at_once(url: str, tmp_path: Path) -> None:
    ledger = open_sql_schedule_ledger(url)
    began = int(time.time()) // 60 * 60 - 300
    for number in range(50):
        ledger.create_task(made(f"task-{number}", {"type": "FixedRate", "interval": "1m"}, fromTime=began, toTime=began + 180))
    log = tmp_path / "log"
    log.touch()
    command = [sys.executable, "-m", PROGRAM, url, str(log), "3"]
    racers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    try:
        for racer in racers:
            _, errors = racer.communicate(timeout=120)
            assert racer.returncode == 0, errors
    finally:
        for racer in racers:
            racer.kill()
    running: dict[str, str] = {}
    seen, turns, workers = Counter[str](), dict[str, list[int]](), set()
    for line in log.read_text().splitlines():
        what, name, turn, at, worker = line.split()
        if what == "begin":
            assert name not in running, f"{line} while {running[name]}"
            running[name] = line
            seen[f"{name} {at}"] += 1
            turns.setdefault(name, []).append(int(turn))
            workers.add(worker)
        else:
            assert running.pop(name).removeprefix("begin") == line.removeprefix("end")
    assert len(workers) == 3
    assert set(seen.values()) == {1} and len(seen) == 150
    assert all(numbers == [1, 2, 3] for numbers in turns.values())
    for number in range(50):
        entries, _ = ledger.list_instances("default", f"task-{number}")
        assert [str(one.instance.state) for one in entries] == ["SUCCEEDED"] * 3
    ledger.close()


def whole(url: str, began: int) -> None:
    """All was done, nothing twice."""
    kept = Kept(url)
    planned, _ = kept.ledger.list_instances("default", "per-minute", within=Interval(began, began + 180))
    before, _ = kept.ledger.list_instances("default", "per-minute", within=Interval(began - 3_600, began))
    assert (len(planned), len(before)) == (3, WINDOWS)
    attempts = [attempt for one in (*planned, *before) for run in one.instance.runs for attempt in run.attempts]
    lost = [attempt.failure.code for attempt in attempts if attempt.failure is not None]
    assert lost in ([], ["WorkerLost"]) and len(attempts) == 3 + WINDOWS + len(lost)
    assert {str(one.instance.state) for one in (*planned, *before)} == {"SUCCEEDED"}
    numbers = [one.turn for one in planned]
    assert len(set(numbers)) == len(numbers)
    (backfill,) = kept.ledger.list_backfills("default")
    assert (backfill.state, backfill.succeeded, backfill.failed, backfill.rows_written) == ("finished", WINDOWS, 0, WINDOWS)
    assert len(kept.ledger.unreported()) == 3 + WINDOWS
    kept.ledger.close()


def run_in_a_child(url: str, began: int, kill_at: int | None, moments: Path) -> int:
    """Its exit status. Forked, not started anew: what it costs to import is not what is killed."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    seen = 0

    def observer(operation: str, moment: Moment) -> None:
        nonlocal seen
        with moments.open("a") as file:
            file.write(f"{operation} {moment}\n")
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    code = 1
    try:
        observe(observer)
        run_to_the_end(url, began)
        code = 0
    finally:
        os._exit(code)


def test_killed_at_each_durable_moment_it_goes_on_where_it_was(url: str, tmp_path: Path) -> None:
    began, moments = int(time.time()) // 60 * 60 - 600, tmp_path / "moments"
    assert run_in_a_child(url, began, None, moments) == 0
    whole(url, began)
    announced = moments.read_text().splitlines()
    assert len(announced) >= 26 and set(announced) == {"catalogue.commit before", "catalogue.commit after"}
    step = 1 if url.startswith("sqlite") else 5  # odd: moments before and after
    for n in range(0, len(announced), step):
        ledger = open_sql_schedule_ledger(url)
        if ledger.list_tasks("default"):
            ledger.delete_task("default", "per-minute")
        ledger.close()
        assert run_in_a_child(url, began, n, moments) == signal.SIGKILL, n
        run_to_the_end(url, began)
        whole(url, began)
