"""``python -m pipelines.continuous_transformation`` on the runner of this process: processes, real files, kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from tests.conftest import ROOT
from tests.pipelines.transform_world import add_logs, check_whole, make_source, rows_of, write_job
from transforms.jobs.job import JobState

pytestmark = pytest.mark.timeout(240)
JOB = "clean"


class Job:
    """The job of `transform_world`, as one of a streaming runner."""

    def __init__(self, home: Home, folder: Path, **extra: str) -> None:
        self.home = home
        self.file = write_job(folder, **extra)
        self.log = folder / "launcher.log"
        make_source(home)

    def launch(self, *arguments: str, job: str | None = None) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "pipelines.continuous_transformation",
            "--home",
            str(self.home.path),
            "--job",
            job or str(self.file),
        ]
        with self.log.open("ab") as out:
            return subprocess.Popen([*command, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def run(self, *arguments: str, job: str | None = None) -> int:
        return self.launch(*arguments, job=job).wait(120)

    def state(self) -> JobState:
        return self.home.job_ledger().job(DEFAULT_PROJECT, JOB).state

    def read(self) -> int:
        ledger = self.home.job_ledger()
        return sum(counts.read for job in ledger.jobs(DEFAULT_PROJECT) for counts in ledger.totals(job).values())

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def until(self, found: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 90
        while not found():
            assert process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)


@pytest.fixture
def job(home: Home, tmp_path: Path) -> Job:
    return Job(home, tmp_path)


def test_once_reads_what_is_there_in_slices_and_the_next_start_goes_on(job: Job) -> None:
    assert job.run("--once", "--slice_rows", "30") == 0, job.said()
    assert json.loads(job.said().splitlines()[-1]) == {"job": JOB, "state": "RUNNING", "reason": ""}
    check_whole(job.home, range(100))
    add_logs(job.home, range(100, 130))
    assert job.run("--once", job=JOB) == 0, job.said()
    check_whole(job.home, range(130))
    assert {row["slice"] for row in rows_of(job.home, "internal-etl-log")} >= {"1", "2"}


def test_it_goes_on_until_the_job_is_stopped_and_starts_again_where_it_was(job: Job) -> None:
    running = job.launch()
    job.until(lambda: job.read() == 100, running)
    assert job.state() == JobState.RUNNING
    add_logs(job.home, range(100, 120))
    job.until(lambda: job.read() == 120, running)
    job.home.job_ledger().act(DEFAULT_PROJECT, JOB, "stop")
    assert running.wait(60) == 0, job.said()
    assert job.state() == JobState.STOPPED
    add_logs(job.home, range(120, 130))
    assert job.run("--once", job=JOB) == 0, job.said()
    check_whole(job.home, range(130))


def test_a_killed_launcher_loses_and_doubles_nothing(job: Job) -> None:
    running = job.launch("--slice_rows", "5")
    job.until(lambda: job.read() > 0, running)
    running.send_signal(signal.SIGKILL)
    running.wait(20)
    deadline = time.monotonic() + 30
    while job.home.job_ledger().job(DEFAULT_PROJECT, JOB).lease_us > job.home.job_ledger().now_us():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    # The shards of a consumer that was killed are free after the group's time-out.
    assert job.run("--once", job=JOB) == 0, job.said()
    check_whole(job.home, range(100))


def test_a_signal_ends_the_launcher_and_leaves_the_job_as_it_is(job: Job) -> None:
    running = job.launch()
    job.until(lambda: job.read() == 100, running)
    running.send_signal(signal.SIGTERM)
    assert running.wait(60) == 0, job.said()
    found = job.home.job_ledger().job(DEFAULT_PROJECT, JOB)
    assert (found.state, found.leader) == (JobState.RUNNING, "")
    assert not job.home.consumer_groups(DEFAULT_PROJECT, "source").state(found.group).consumers


def test_an_end_time_ends_the_job(home: Home, tmp_path: Path) -> None:
    job = Job(home, tmp_path)
    end = int(time.time()) + 2
    text = job.file.read_text().replace("source: {logstore: source}", f"source: {{logstore: source, to: '{end}'}}")
    job.file.write_text(text)
    running = job.launch()
    time.sleep(max(0.0, end + 0.5 - time.time()))
    add_logs(home, range(100, 110))
    assert running.wait(90) == 0, job.said()
    assert job.state() == JobState.SUCCEEDED
    check_whole(home, range(100))
    assert job.run(job=JOB) == 2
    assert "has come to its end" in job.said()


def test_one_launcher_at_a_time(job: Job) -> None:
    first = job.launch()
    job.until(lambda: job.read() == 100, first)
    assert job.run(job=JOB) == 3
    assert "led by" in job.said()
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0


def test_a_rule_that_fails_mostly_fails_the_job_and_says_why(home: Home, tmp_path: Path) -> None:
    job = Job(home, tmp_path, rule='e_set("size", ct_int(v("size")))', brake="{share: 0.5, least: 20}")
    assert job.run() == 1
    found = home.job_ledger().job(DEFAULT_PROJECT, JOB)
    assert found.state == JobState.FAILED
    assert "logs failed, most for this reason" in found.reason
    assert rows_of(home, "main") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--job is missing"),
        (["--job", "nothing"], "nothing"),
        (["--job", "clean", "--slots", "0"], "--slots is at least 1"),
        (["--job", "clean", "--slice_rows", "0"], "--slice_rows is at least 1"),
        (["--job", "clean", "--once", "--runner", "FlinkRunner"], "--once is for DirectRunner"),
    ],
)
def test_wrong_flags_are_refused_in_words(home: Home, arguments: list[str], words: str) -> None:
    command = [sys.executable, "-m", "pipelines.continuous_transformation", "--home", str(home.path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False, env=os.environ)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_job_of_the_scheduler_is_refused(job: Job) -> None:
    from pipelines.jobs.definition import new_job
    from pipelines.transformation.transform_job import read_job

    ledger = job.home.job_ledger()
    ledger.create(new_job(DEFAULT_PROJECT, read_job(job.file, DEFAULT_PROJECT), ledger.now_us()))
    assert job.run(job=JOB) == 2
    assert "logsluice scheduler run" in job.said()
