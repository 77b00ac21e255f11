"""`logsluice scheduler run` as its users run it, with Beam in its workers: rows at the destination, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.schedule.instance_reports import InstanceReports
from tests.conftest import ROOT, Cli
from tests.pipelines.schedule_world import START, add_logs, held, make_destination, make_source, make_task, totals
from tests.pipelines.scheduler_world import ended, gone, instances, until

TASK = "count-log2log"


def world(home: Home, folder: Path, minutes: int, **configuration: object) -> None:
    make_source(home, minutes)
    make_destination(home, "log2log", folder)
    make_task(home, "log2log", minutes, **configuration)


def service(home: Home, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipelines", "--home", str(home.path), "scheduler", "run", *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in found.split()]


def test_once_runs_what_is_due_and_what_became_stale(home: Home, tmp_path: Path, cli: Cli) -> None:
    world(home, tmp_path, 3, late={"mode": "rerun", "horizon": "4000d", "debounce": "1s"})
    first = cli("scheduler", "run", "--once", "--format", "jsonl", "--workers", "1")
    assert first.code == 0, first.stderr
    shown = [json.loads(line) for line in first.stdout.splitlines()]
    assert [(one["jobName"], one["state"], one["scheduleTimeInMillis"] // 1_000) for one in shown] == [
        (TASK, "SUCCEEDED", START + 60 * minute) for minute in (1, 2, 3)
    ]
    lines = first.stderr.splitlines()
    assert len(lines) == 3 and "2026-01-01 00:01:00 +0000  SUCCEEDED  3 rows" in lines[0], first.stderr
    assert held(home, "log2log", tmp_path) == totals(range(3))
    add_logs(home, 1, range(4, 9))
    time.sleep(1.1)
    second = cli("scheduler", "run", "--once", "--quiet", "--workers", "1")
    assert (second.code, second.stdout, second.stderr) == (0, "", "")
    assert held(home, "log2log", tmp_path) == totals(range(3), {1: 9})
    log = cli(
        "query", "internal-diagnostic_log", "* | select trigger, count(1) as ends group by trigger order by trigger", "--format", "csv"
    )
    assert log.stdout.split() == ["trigger,ends", "late,1", "schedule,3"], log.stderr


def run_and_kill(home: Home, ended_before: int, kill_a_worker: bool = False) -> None:
    """A service until one more instance has ended, or two and a worker was killed in between; then it is killed, and its worker is gone."""
    process = service(home, "--lease", "1", "--workers", "1")
    until(ended(home, TASK, ended_before + 1), 60)
    workers = until(lambda: children(process.pid))
    if kill_a_worker:
        os.kill(workers[0], signal.SIGKILL)
        until(ended(home, TASK, ended_before + 2), 60)
    process.kill()
    process.communicate()
    until(lambda: all(gone(pid) for pid in workers), 10)


def test_killed_again_and_again_it_writes_each_window_once(home: Home, tmp_path: Path) -> None:
    world(home, tmp_path, 5)
    run_and_kill(home, ended_before=0)
    run_and_kill(home, ended_before=1, kill_a_worker=True)
    time.sleep(1)
    done = service(home, "--once", "--workers", "1")
    _, err = done.communicate(timeout=100)
    assert done.returncode == 0, err
    assert held(home, "log2log", tmp_path) == totals(range(5))
    assert [str(entry.instance.state) for entry in instances(home, TASK)] == ["SUCCEEDED"] * 5
    # What ended shortly before its service was killed is left to that service for a while, then told by any other.
    reports = InstanceReports(home, True, None, print)
    for entry in home.schedule_ledger().unreported():
        reports.ended(entry)
    reports.start()
    reports.close()
    logs = [log for group in home.open_logstore(DEFAULT_PROJECT, "internal-diagnostic_log").read() for log in group.to_logs()]
    assert sorted(log["schedule_time"] for log in logs) == [str(START + 60 * minute) for minute in range(1, 6)]


def test_a_bad_statement_is_told_and_ends_once_with_exit_code_1(home: Home, tmp_path: Path, cli: Cli) -> None:
    world(home, tmp_path, 1, script="* | select nonsense(size) as x", maxRetries=1)
    done = cli("scheduler", "run", "--once", "--workers", "1")
    assert done.code == 1 and "FAILED  SQLFailed:" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert held(home, "log2log", tmp_path) == totals([])


def test_ctrl_c_ends_the_service_and_its_workers(home: Home, tmp_path: Path) -> None:
    world(home, tmp_path, 2)
    process = service(home)
    until(lambda: any(entry.instance.finished for entry in instances(home, TASK)), 60)
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=40)
    assert process.returncode == 0 and out == "" and "Traceback" not in err, err
    assert err.startswith(f"scheduling the tasks and jobs of {home.path}; Ctrl-C stops\n")
    assert workers and all(gone(pid) for pid in workers)


def test_the_service_itself_imports_no_beam() -> None:
    program = "import sys, pipelines.scheduler_service, pipelines.schedule.late_logs; sys.exit('apache_beam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
