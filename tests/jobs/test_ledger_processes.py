"""The ledger of jobs under real processes: several that share a job's shards, one that is stopped for too long, one that is killed at each
durable moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import ROOT
from tests.jobs.job_ledger_program import LOGS, SHARDS, Instance, committed, run_to_the_end, source
from tests.jobs.sql_job_ledgers import START_US, ledger_url, new
from tests.ledger_database import DATABASES
from transforms.connectors.sql_catalogue_engine import make_engine
from transforms.connectors.sql_job_ledger import SqlJobLedger
from transforms.core.durable import Moment, observe
from transforms.jobs.job import JobState
from transforms.stores.slice import SliceCounts

PROGRAM = "tests.jobs.job_ledger_program"


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ledger_url(request, tmp_path)


class Clock:
    """Goes on a little with each look, and a lot when a process was killed: its lease and its beats have run out then."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self, _: sa.Connection) -> int:
        self.now_us += 1_000
        return self.now_us


def test_instances_share_the_shards_and_one_that_slept_too_long_changes_nothing(url: str, tmp_path: Path) -> None:
    shards, logs, target = 4, 180, tmp_path / "target"
    target.touch()
    boss = Instance(url, target, source(shards, logs))
    boss.ledger.create(new())
    lead = boss.ledger.lead("shop", "clean", "boss", 3_600)
    assert lead is not None
    job = boss.ledger.settle(lead, JobState.RUNNING)
    boss.groups.update(job.group, timeout_s=1)
    arguments = [sys.executable, "-m", PROGRAM, url, str(target), str(shards), str(logs)]
    racers = [subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for racer in racers:
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    sleeper = racers[0]
    while len({json.loads(line)["by"] for line in target.read_text().splitlines()}) < len(racers):
        assert sum(committed(target).get("1", {}).values()) < shards * logs, "one did nothing"
        time.sleep(0.01)
    sleeper.send_signal(signal.SIGSTOP)
    time.sleep(1.5)  # longer than the time-out; with SQLite perhaps inside a transaction, which the others then wait for
    sleeper.send_signal(signal.SIGCONT)
    rounds = []
    for racer in racers:
        out, errors = racer.communicate(timeout=60)
        assert racer.returncode == 0, errors
        rounds.append(int(out))
    assert all(rounds), rounds
    assert committed(target) == {"1": {shard * 1_000 + log: 1 for shard in range(shards) for log in range(logs)}}
    assert boss.ledger.totals(job) == {shard: SliceCounts(logs, logs) for shard in range(shards)}
    assert boss.all_read(job)
    boss.ledger.close()


def whole(url: str, target: Path) -> None:
    """All was done in both generations, nothing twice."""
    ledger = SqlJobLedger(make_engine(url), lambda *_: source().extents)
    job = ledger.job("shop", "clean")
    assert (job.state, job.generation, job.version, job.running_version) == (JobState.SUCCEEDED, 2, 2, 2)
    logs = {shard * 1_000 + log: 1 for shard in range(SHARDS) for log in range(LOGS)}
    assert committed(target) == {"1": logs, "2": logs}
    assert ledger.totals(job) == {shard: SliceCounts(LOGS, LOGS) for shard in range(SHARDS)}
    ledger.close()


def run_in_a_child(url: str, target: Path, clock: Clock, kill_at: int | None, moments: Path) -> int:
    """Its exit status. Forked, not started anew: what it costs to import is not what is killed."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    seen = 0

    def observer(operation: str, moment: Moment) -> None:
        nonlocal seen
        if moment == "before" or operation == "catalogue.commit":
            return  # what is durable then was so at another moment
        with moments.open("a") as file:
            file.write(f"{operation}\n")
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    code = 1
    try:
        observe(observer)
        run_to_the_end(url, target, clock)
        code = 0
    finally:
        os._exit(code)


def test_killed_at_each_durable_moment_it_goes_on_where_it_was(url: str, tmp_path: Path) -> None:
    moments, target, clock = tmp_path / "moments", tmp_path / "target", Clock()
    target.touch()
    assert run_in_a_child(url, target, clock, None, moments) == 0
    whole(url, target)
    announced = moments.read_text().splitlines()
    verbs = {"create", "lead", "settle", "begin", "intend", "finish", "renew", "edit", "rerun", "release"}
    assert set(announced) == {"target.commit"} | {f"job.{verb}" for verb in verbs}
    step = 1 if url.startswith("sqlite") else 5
    ledger = SqlJobLedger(make_engine(url), lambda *_: source().extents)
    for n in range(0, len(announced), step):
        ledger.delete("shop", "clean")
        target.write_text("")
        assert run_in_a_child(url, target, clock, n, moments) == signal.SIGKILL, announced[n]
        clock.now_us += 2 * 3_600_000_000
        run_to_the_end(url, target, clock)
        whole(url, target)
    ledger.close()
