"""Real processes share a group in a real database, are paused beyond the time-out and killed: one owner at a time, nothing saved twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.consumers.consuming_program import SHARDS, logs
from tests.consumers.test_consumer_groups_contract import SQL, catalogue_url
from transforms.connectors.sql_catalogue_engine import make_engine
from transforms.connectors.sql_consumer_groups import sql_consumer_groups
from transforms.stores.consumer_group import ConsumerGroup, ConsumerGroups


class Processes:
    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, incarnation: str) -> None:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with (self.folder / f"{incarnation}.jsonl").open("wb") as out:
            self.running[incarnation] = subprocess.Popen(
                [sys.executable, "-m", "tests.consumers.consuming_program", self.url, name, incarnation],
                stdout=out, cwd=ROOT, env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip

    def signal(self, incarnation: str, number: signal.Signals) -> None:
        self.running[incarnation].send_signal(number)

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait(30)

    def told(self, incarnation: str) -> list[dict[str, int | str]]:
        lines = (self.folder / f"{incarnation}.jsonl").read_text("utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


@pytest.fixture(params=SQL)
def consuming(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Processes, ConsumerGroups]]:
    url = catalogue_url(request, tmp_path)
    engine = make_engine(url)
    groups = sql_consumer_groups(engine, "shop", "nginx", logs().extents)
    groups.create(ConsumerGroup("jobs", 2))
    processes = Processes(url, tmp_path)
    yield processes, groups
    processes.end()
    engine.dispose()


def until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_pauses_and_kills(consuming: tuple[Processes, ConsumerGroups]) -> None:
    processes, groups = consuming
    for name in "ABC":
        processes.start(name, f"{name}-1")

    def consumers() -> set[str]:
        return set(groups.state("jobs").consumers)

    def owners() -> set[str]:
        return {seat.owner for seat in groups.state("jobs").seats.values()}

    until("all three share the shards", lambda: owners() == set("ABC"))
    processes.signal("A-1", signal.SIGUSR1)  # stops itself
    processes.signal("B-1", signal.SIGKILL)
    until("the silent lose their shards", lambda: owners() == {"C"})
    before = len(processes.told("A-1"))
    processes.start("B", "B-2")
    until("the new process of a name joins", lambda: "B" in consumers())
    processes.signal("A-1", signal.SIGCONT)
    until("who wakes up joins anew", lambda: "A" in consumers() and owners() == set("ABC"))
    until("and works again", lambda: any("place" in one for one in processes.told("A-1")[before + 2 :]))
    processes.end()

    assert "refused" in next(iter(processes.told("A-1")[before:])), "who wakes up is refused before anything else"
    by_epoch: dict[tuple[int, int], set[str]] = defaultdict(set)
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for incarnation in processes.running:
        for one in processes.told(incarnation):
            if "place" in one:
                shard, epoch, place = int(one["shard"]), int(one["epoch"]), int(one["place"])
                by_epoch[shard, epoch].add(incarnation)
                places[shard].append((epoch, place))
    assert all(len(owner) == 1 for owner in by_epoch.values()), by_epoch
    assert len(places) == SHARDS
    for shard, saved in places.items():
        in_order = sorted(saved)
        assert [place for _, place in in_order] == sorted({place for _, place in saved}), shard
        # A process may die after the database has its save and before it tells it.
        missing = set(range(1, in_order[-1][1] + 1)) - {place for _, place in saved}
        assert len(missing) <= 1, missing
