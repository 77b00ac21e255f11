"""Schedulers as processes, with quick workers, and what their attempts left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.home import Home
from tests.conftest import ROOT
from transforms.schedule.ledger import InstanceEntry
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task

MINUTE = 60


@dataclass(frozen=True)
class Attempt:
    """One line pair of the file that quick workers write; ``ended`` is None when the worker did not get that far."""

    task: str
    schedule_time: int
    turn: int
    began: float
    ended: float | None
    pid: int


def make_due(home: Home, name: str, due: int, ahead: bool = True, **configuration: Any) -> Task:
    """A task with so many instances due now; the next one in an hour at the earliest, or none when not ``ahead``."""
    now = int(time.time())
    interval = 3_600
    first = now - interval * due + (interval // 2 if due == 0 else 0) - 1
    settings = {
        "script": "* | select count(*) as pv", "sourceLogstore": "web", "destLogstore": "out", "fromTimeExpr": "-1m", "toTimeExpr": "",
        "fromTime": first + interval, "toTime": 0 if ahead else now,
    }  # fmt: skip
    document = {
        "name": name,
        "schedule": {"type": "FixedRate", "interval": f"{interval}s"},
        "configuration": {**settings, **configuration},
    }
    task = read_task(document, "default")
    home.schedule_ledger().create_task(task)
    return task


def behave(home: Home, task: str, *lines: str) -> None:
    folder = home.path / "behave"
    folder.mkdir(exist_ok=True)
    (folder / task).write_text("\n".join(lines))


def attempts(home: Home) -> list[Attempt]:
    """In the order they began."""
    path = home.path / "attempts"
    begun: dict[tuple[str, str], Attempt] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        task, schedule_time, turn, moment, word, pid = line.split()
        if word == "begin":
            begun[task, turn] = Attempt(task, int(schedule_time), int(turn), float(moment), None, int(pid))
        else:
            one = begun[task, turn]
            begun[task, turn] = Attempt(one.task, one.schedule_time, one.turn, one.began, float(moment), one.pid)
    return list(begun.values())


def start(home: Home, *options: str) -> subprocess.Popen[str]:
    """A scheduler with quick workers: `tests.pipelines.scheduler_program`."""
    command = [sys.executable, "-m", "tests.pipelines.scheduler_program", str(home.path), *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


@contextmanager
def running(home: Home, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`start`, and at the end no process of it is left."""
    process = start(home, *options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str], seconds: float = 60) -> tuple[int, str]:
    """Exit code and stderr."""
    try:
        _, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        _, err = process.communicate()
        raise AssertionError(f"did not end:\n{err}") from None
    assert "Traceback" not in err, err
    return process.returncode, err


def interrupt(process: subprocess.Popen[str], number: int = signal.SIGINT) -> None:
    os.kill(process.pid, number)


def until(what: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait for something to be true; what it is then."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def instances(home: Home, task: str) -> list[InstanceEntry]:
    """Oldest schedule time first."""
    return list(reversed(home.schedule_ledger().list_instances("default", task, size=-1)[0]))


def ended(home: Home, task: str, count: int) -> Callable[[], bool]:
    return lambda: sum(entry.instance.finished for entry in instances(home, task)) >= count


def gone(pid: int) -> bool:
    """Whether a process has ended, a zombie counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
