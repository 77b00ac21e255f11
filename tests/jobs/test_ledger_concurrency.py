"""People, schedulers and instances of several jobs at once: nobody waits in a circle, and every log of the last generation is there once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.jobs.job_ledger_program import Instance, committed, source
from tests.jobs.sql_job_ledgers import ledger_url, new
from tests.ledger_database import DATABASES
from transforms.core.errors import LogsluiceError
from transforms.jobs.job import JobState

JOBS, SHARDS, LOGS, SECONDS = 3, 2, 90, 2.0
MEANWHILE = {
    "an instance": {"JobNotRunning", "ConsumerGroupNotExist", "NotExistConsumerWithBody", "ConsumerNotExist"},
    "a scheduler": {"JobStateConflict", "LeadLost"},
    "people": {"JobStateConflict", "JobChanged"},
}
"""What may be refused because somebody else was first."""


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ledger_url(request, tmp_path)


class World:
    """Threads that each do one kind of thing again and again; each has connections of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.logs = source(SHARDS, LOGS)
        self.over = threading.Event()
        self.failures: list[str] = []
        self.done = Counter[str]()

    def opened(self, number: int) -> Instance:
        return Instance(self.url, self.folder / f"job-{number}", self.logs)

    def again(self, who: str, number: int, step: Callable[[Instance], Any]) -> None:
        one = self.opened(number)
        while not self.over.is_set():
            try:
                step(one)
                self.done[who] += 1
            except LogsluiceError as refusal:
                if refusal.code not in MEANWHILE[who]:
                    self.failures.append(f"{who}: {refusal.code}: {refusal}")
                    self.over.set()
                one._shards = []
            time.sleep(0.001)
        one.ledger.close()


def work(number: int) -> Callable[[Instance], None]:
    return lambda one: one.round(one.ledger.job("shop", f"job-{number}"))


def lead(number: int) -> Callable[[Instance], None]:
    becomes = {
        JobState.STARTING: JobState.RUNNING,
        JobState.STOPPING: JobState.STOPPED,
        JobState.RESTARTING: JobState.STARTING,
    }

    def step(one: Instance) -> None:
        held = one.ledger.lead("shop", f"job-{number}", one.name, 5)
        if held is not None and held.job.state in becomes:
            one.ledger.settle(held, becomes[held.job.state])

    return step


def act(seed: int) -> Callable[[Instance], None]:
    chance = Random(seed)

    def step(one: Instance) -> None:
        name = f"job-{chance.randrange(JOBS)}"
        what = chance.choice(["start", "start", "stop", "restart", "rerun", "edit", "list"])
        if what == "list":
            one.ledger.jobs("shop")
        elif what == "edit":
            one.ledger.edit(new(name, f"rule {chance.random()}"))
        else:
            one.ledger.act("shop", name, what)  # type: ignore[arg-type]

    return step


def test_all_at_once(url: str, tmp_path: Path) -> None:
    world = World(url, tmp_path)
    boss = world.opened(0)
    threads = []
    for number in range(JOBS):
        (tmp_path / f"job-{number}").touch()
        boss.ledger.create(new(f"job-{number}"))
        for who, step in (("an instance", work(number)), ("an instance", work(number)), ("a scheduler", lead(number))):
            threads.append(threading.Thread(target=world.again, args=(who, number, step)))
    threads += [threading.Thread(target=world.again, args=("people", 0, act(seed))) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 30
    while not world.over.wait(SECONDS) and time.monotonic() < until and not all(world.done[who] for who in MEANWHILE):
        continue  # a busy machine: not all have come to do something yet
    world.over.set()
    for thread in threads:
        thread.join(30)
    assert world.failures == []
    assert all(world.done[who] for who in MEANWHILE), world.done
    finish(world)


def finish(world: World) -> None:
    """Whatever state the jobs were left in, they are run to the end; then each log of their last generation is there once."""
    for number in range(JOBS):
        one, name = world.opened(number), f"job-{number}"
        while (job := one.ledger.job("shop", name)).state != JobState.RUNNING:
            if job.state == JobState.STOPPED:
                one.ledger.act("shop", name, "start")
            lead(number)(one)
        one.groups.update(job.group, timeout_s=1)
        until = time.monotonic() + 30
        while not one.all_read(job):
            assert time.monotonic() < until, one.groups.state(job.group)
            one.round(job)
        found = committed(world.folder / name)[str(job.generation)]
        assert found == {shard * 1_000 + log: 1 for shard in range(SHARDS) for log in range(LOGS)}
        assert sum(each.read for each in one.ledger.totals(job).values()) == SHARDS * LOGS
        one.ledger.close()
