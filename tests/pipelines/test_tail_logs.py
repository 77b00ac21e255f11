"""Tail: the newest logs by receive time, and those that come."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from pipelines.home import Home
from pipelines.tail_logs import follow, last_logs
from tests.pipelines.import_probe import make_store, run_here
from transforms.core.clock import FixedClock
from transforms.core.log_group import LogGroup

ROOT = Path(__file__).resolve().parents[2]


def group(*names: str, time: int = 5) -> LogGroup:
    return LogGroup.from_logs([{"content": name} for name in names], [time] * len(names))


def shown(groups: list[LogGroup]) -> list[str]:
    return [log["content"] for found in groups for log in found.to_logs()]


def test_last_logs_are_by_receive_time(home: Home) -> None:
    make_store(home, shards=2)
    store = home.open_logstore("default", "web")
    assert last_logs(store, 10)[0] == []
    for i in range(6):
        store.append([group(f"{i}a", f"{i}b", time=100 - i)])
    assert shown(last_logs(store, 3)[0]) == ["4b", "5a", "5b"]
    assert shown(last_logs(store, 0)[0]) == []
    assert shown(last_logs(store, 100)[0]) == [f"{i}{letter}" for i in range(6) for letter in "ab"]
    store.compact(min_files=2)
    groups, version = last_logs(store, 3)
    assert shown(groups) == ["4b", "5a", "5b"]
    assert version == store.version()


def test_follow_sees_each_new_log_once_and_no_compaction(home: Home) -> None:
    make_store(home, shards=1)
    store = home.open_logstore("default", "web")
    store.append([group("old")])
    clock = FixedClock(0)
    following = follow(store, store.version(), clock)
    for i in range(10):
        store.append([group(f"new {i}")])
        if i == 5:
            store.compact(min_files=2)
        assert shown([next(following)]) == [f"new {i}"]


def test_command_line(home: Home) -> None:
    make_store(home)
    store = home.open_logstore("default", "web")
    store.append([group("one", "two")])
    done = run_here(home, "tail", "web", "-n", "1", "--format", "text")
    assert (done.stdout, done.stderr, done.code) == ("two\n", "", 0)
    assert json.loads(run_here(home, "tail", "web", "-n", "1").stdout) == {"__time__": 5, "content": "two"}
    assert run_here(home, "tail", "nothing").code == 2


def test_follow_until_interrupted(home: Home) -> None:
    make_store(home)
    store = home.open_logstore("default", "web")
    store.append([group("one")])
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", "tail", "web", "-f", "--format", "text"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "LOGSLUICE_HOME": str(home.path), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "one\n"
        store.append([group("two", "three")])
        assert [process.stdout.readline(), process.stdout.readline()] == ["two\n", "three\n"]
        process.send_signal(signal.SIGINT)
        rest, words = process.communicate(timeout=20)
        assert (rest, words.strip(), process.returncode) == ("", "interrupted", 130)
    finally:
        process.kill()
