"""``job get --watch``: drawn in place on a terminal, a JSON line each time on a pipe, ended by Ctrl-C or with the job."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from tests.conftest import Cli
from tests.pipelines.observed_jobs import become, make_job, put_figures
from transforms.core.errors import ExitCode
from transforms.jobs.job import JobState

_CLEAR = re.compile(rb"\x1b\[(\d+)F\x1b\[J")


def watch(home: Home, *arguments: str, out: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipelines", "--home", str(home.path), "job", "get", "clean", "--watch", *arguments]
    return subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, env={**os.environ, "COLUMNS": "60", "LINES": "12"})


def test_a_line_each_time_until_ctrl_c(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    put_figures(home, job, 0, read=10, delivered=9, dead=1)
    process = watch(home, "--every", "0.3", "--format", "json")
    try:
        assert process.stdout is not None and process.stderr is not None
        first = json.loads(process.stdout.readline())
        put_figures(home, job, 0, 1, read=30, delivered=30)
        later = [json.loads(process.stdout.readline()) for _ in range(4)]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == ExitCode.INTERRUPTED
        assert b"Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.communicate()
    assert (first["state"], first["total"]) == ("RUNNING", {"accept": 10, "delivered": 9, "dropped": 0, "failed": 1})
    assert later[-1]["total"]["accept"] == 40 and any(one["shards"] == [] or one["accept_per_second"] > 20 for one in later)
    assert [shard["accept"] for shard in later[-1]["shards"]] == [10, 30]


def test_drawn_in_place_on_a_terminal(home: Home, tmp_path: Path) -> None:
    job = make_job(home, tmp_path)
    put_figures(home, job, 0, read=10, delivered=10)
    ours, its = pty.openpty()
    process = watch(home, "--every", "0.2", out=its)
    os.close(its)
    seen = b""
    try:
        deadline = time.monotonic() + 30
        while len(_CLEAR.findall(seen)) < 3:
            assert time.monotonic() < deadline, seen
            seen += os.read(ours, 65_536)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == ExitCode.INTERRUPTED
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
    first, *others = re.split(rb"\x1b\[\d+F\x1b\[J", seen)
    lines = first.decode().splitlines()
    assert lines[0].startswith("clean  RUNNING  0 s behind") and all(len(line) < 60 for line in lines) and len(lines) < 12
    assert {int(count) for count in _CLEAR.findall(seen)[:2]} == {len(lines)}, "the next drawing begins where this one did"
    assert all(other.startswith(b"clean  RUNNING") for other in others if other)


def test_it_ends_with_the_job(home: Home, tmp_path: Path, cli: Cli) -> None:
    make_job(home, tmp_path)
    become(home, "clean", JobState.FAILED, "the rule does not load")
    failed = cli("job", "get", "clean", "--watch")
    assert failed.code == ExitCode.PROBLEMS and "clean  FAILED" in failed.stdout and "the rule does not load" in failed.stdout
    home.job_ledger().act(DEFAULT_PROJECT, "clean", "restart")
    become(home, "clean", JobState.RUNNING)
    become(home, "clean", JobState.SUCCEEDED)
    ended = cli("job", "get", "clean", "--watch", "--format", "json")
    assert ended.code == ExitCode.DONE and json.loads(ended.stdout)["state"] == "SUCCEEDED"
    home.job_ledger().delete(DEFAULT_PROJECT, "clean")
    gone = cli("job", "get", "clean", "--watch")
    assert gone.code == ExitCode.USAGE and "there is no job 'clean'" in gone.stderr
