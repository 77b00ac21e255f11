"""Scheduled SQL under random kills of service, workers and database, and in real time under a writer: the rows of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from tests.conftest import ROOT
from tests.mariadb import Database, MariadbServer
from tests.pipelines.schedule_world import START, add_logs, held, make_destination, make_source, make_task, totals
from transforms.core.log_group import LogGroup
from transforms.schedule.instance import InstanceState
from transforms.schedule.task_config import read_task
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

KINDS = ("log2log", "log2metric", "log2table")
MINUTES = 6


def service(home: Home, *arguments: str) -> subprocess.Popen[bytes]:
    """``logsluice scheduler run``, whose turns are taken over after a second."""
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "--home",
        str(home.path),
        "scheduler",
        "run",
        "--lease",
        "1",
        "--workers",
        "2",
        *arguments,
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MariadbServer]:
    """A server of one's own, to be killed."""
    made = MariadbServer(tmp_path / "mariadb")
    yield made
    made.stop()


def finish(home: Home) -> None:
    """Let a service do all that is due."""
    process = service(home, "--once")
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err.decode()


def disturb(home: Home, server: MariadbServer, chance: random.Random, longest: float) -> None:
    """Run a service for a while; kill a worker or the database on the way, perhaps, then the service."""
    process = service(home)
    time.sleep(chance.uniform(0.5, longest))
    what = chance.random()
    if what < 0.3:
        for worker in psutil.Process(process.pid).children():
            worker.kill()
        time.sleep(chance.uniform(0, 1))
    elif what < 0.45:
        server.kill()
        time.sleep(chance.uniform(0, 0.5))
        server.start()
    process.kill()
    process.communicate()


def check_never_doubled(home: Home, folder: Path, database: Database, counts: dict[int, int], before: dict[int, int]) -> None:
    """Each minute is not there yet, or as it was, or as it is."""
    for kind in KINDS:
        found = held(home, kind, folder, database if kind == "log2table" else None)
        for minute in range(MINUTES):
            of_minute = Counter({row: count for row, count in found.items() if row[0] == START + 60 * minute})
            assert of_minute in (Counter(), totals([minute], before), totals([minute], counts)), (kind, minute)


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.soak)])
def test_killed_at_random_moments(home: Home, tmp_path: Path, server: MariadbServer, kills: int) -> None:
    seed = 7 if kills < 10 else random.randrange(10**6)
    chance, database, ledger = random.Random(seed), server.database(), home.schedule_ledger()
    make_source(home, MINUTES)
    for kind in KINDS:
        make_destination(home, kind, tmp_path, database if kind == "log2table" else None)
        make_task(home, kind, MINUTES, maxRetries=100, maxRunTimeInSeconds=1800)
    counts = {minute: 3 + minute for minute in range(MINUTES)}
    before = dict(counts)
    for number in range(1, kills + 1):
        disturb(home, server, chance, 8)
        check_never_doubled(home, tmp_path, database, counts, before)
        entries = [entry for kind in KINDS for entry in ledger.list_instances(DEFAULT_PROJECT, f"count-{kind}", size=-1)[0]]
        if number < kills and len(entries) == len(KINDS) * MINUTES and all(entry.instance.finished for entry in entries):
            # All is done: more logs, and all again.
            before = dict(counts)
            for minute in chance.sample(range(MINUTES), 3):
                add_logs(home, minute, range(counts[minute], counts[minute] + 5))
                counts[minute] += 5
            for entry in entries:
                ledger.retry(DEFAULT_PROJECT, entry.task, entry.instance.id)
    finish(home)
    for kind in KINDS:
        assert held(home, kind, tmp_path, database if kind == "log2table" else None) == totals(range(MINUTES), counts), (kind, seed)
        entries = list(ledger.list_instances(DEFAULT_PROJECT, f"count-{kind}", size=-1)[0])
        assert [entry.instance.state for entry in entries] == [InstanceState.SUCCEEDED] * MINUTES, (kind, seed)


@pytest.mark.soak
def test_every_minute_for_ten_minutes_under_a_writer(home: Home, tmp_path: Path) -> None:
    """20,000 logs a second, one in a hundred late by up to two minutes: sums of the destination are those of the source."""
    index = Index(fields={"size": FieldIndex("long")})
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(2), index))
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "totals", "", even_shards(1)))
    start = int(time.time()) // 60 * 60 + 60
    configuration = {
        "script": "* | select count(1) as requests, sum(size) as bytes", "sourceLogstore": "web", "destLogstore": "totals",
        "fromTimeExpr": "@m-1m", "toTimeExpr": "@m", "fromTime": start + 60, "toTime": start + 601,
        "late": {"mode": "rerun", "horizon": "1h", "debounce": "20s"},
    }  # fmt: skip
    document = {"name": "live", "schedule": {"type": "FixedRate", "interval": "1m", "delay": 5}, "configuration": configuration}
    home.schedule_ledger().create_task(read_task(document, DEFAULT_PROJECT))
    process = service(home, "--late-every", "5")
    expected: Counter[int] = Counter()
    sizes: Counter[int] = Counter()
    over = threading.Event()

    def write() -> None:
        chance = random.Random(1)
        store = home.open_logstore(DEFAULT_PROJECT, "web")
        while not over.is_set():
            began, now = time.monotonic(), int(time.time())
            late = [now - chance.randrange(60, 120) for _ in range(200)]
            seconds = [max(start, each) for each in [now] * 19_800 + late]
            logs = [{"size": str(number % 900)} for number in range(len(seconds))]
            if now >= start:
                store.append([LogGroup.from_logs(logs, seconds)])
                for each, log in zip(seconds, logs, strict=True):
                    expected[each // 60 * 60] += 1
                    sizes[each // 60 * 60] += int(log["size"])
            over.wait(max(0.0, began + 1 - time.monotonic()))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(start + 600 - time.time())
        over.set()
        writer.join()
        time.sleep(120)  # the last windows, and the runs that late logs ask for
    finally:
        over.set()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    logs = [
        (seconds, log)
        for group in home.open_logstore(DEFAULT_PROJECT, "totals").read()
        for seconds, log in zip(group.seconds.to_pylist(), group.to_logs(), strict=True)
    ]
    minutes = range(start, start + 600, 60)
    assert {at: (int(log["requests"]), int(log["bytes"])) for at, log in logs} == {at: (expected[at], sizes[at]) for at in minutes}, err
    assert len(logs) == 10
