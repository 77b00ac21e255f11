"""Users' consumers as real processes: killed, frozen, stopped, joined by others, while shards split. No log is lost, order is kept."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from tests.conftest import ROOT
from tests.pipelines.import_probe import make_store
from transforms.core.log_group import LogGroup
from transforms.stores.consumer_group import ConsumerGroup, ConsumerGroups

TIMEOUT = 2


class World:
    """A Logstore, the processes that consume it, and what they wrote down."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.appended = 0

    @property
    def groups(self) -> ConsumerGroups:
        return self.home.consumer_groups("default", "web")

    def append(self, shard: int, logs: int) -> None:
        numbers = range(self.appended, self.appended + logs)
        self.appended += logs
        store = self.home.open_logstore("default", "web")
        store.commit(store.write_files([LogGroup.from_logs([{"n": str(n)} for n in numbers], [5] * logs)], shard=shard))

    def start(self, name: str, **settings: Any) -> None:
        text = json.dumps({"file": str(self.folder / f"{name}.jsonl"), **settings})
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", "tests.consumers.users_program", str(self.home.path), name, text], cwd=ROOT, env=os.environ.copy()
        )

    def signal(self, name: str, number: signal.Signals) -> None:
        self.running[name].send_signal(number)

    def ended(self, name: str) -> int:
        return self.running.pop(name).wait(60)

    def owners(self) -> set[str]:
        return {seat.owner for seat in self.groups.state("jobs").seats.values() if seat.state != "over"}

    def caught_up(self) -> bool:
        ends = {shard: extent.end for shard, extent in self.home.open_logstore("default", "web").extents().shards.items()}
        saved = {one.shard: one.cursor for one in self.groups.checkpoints("jobs")}
        return all(saved[shard] == end or end.version == 0 for shard, end in ends.items())

    def lines(self) -> list[dict[str, Any]]:
        texts = [path.read_text("utf-8") for path in sorted(self.folder.glob("*.jsonl"))]
        return [json.loads(line) for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def check(self, most_doubled: int) -> None:
        """Nothing lost, and of each shard each owner goes on where the one before had saved, in order."""
        by_shard: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for line in self.lines():
            by_shard[line["shard"]].append(line)
        seen, doubled = set(), 0
        for lines in by_shard.values():
            newest = -1
            for line in sorted(lines, key=lambda one: (one["epoch"], one["began"])):
                assert line["n"] == sorted(line["n"])
                fresh = [number for number in line["n"] if number not in seen]
                assert all(number > newest for number in fresh), "a log came after later ones"
                doubled += len(line["n"]) - len(fresh)
                seen.update(fresh)
                newest = max(newest, *line["n"])
        assert seen == set(range(self.appended))
        assert doubled <= most_doubled


@pytest.fixture
def world(home: Home, tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "lines"
    folder.mkdir()
    made = World(home, folder)
    yield made
    for process in made.running.values():
        process.kill()
    for process in made.running.values():
        process.wait(30)


def until(what: str, holds: Callable[[], bool], seconds: float = 60) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, what
        time.sleep(0.1)
    return time.monotonic() - began


def test_a_killed_consumers_shards_move_while_a_shard_is_split(world: World) -> None:
    make_store(world.home, shards=4)
    world.groups.create(ConsumerGroup("jobs", TIMEOUT, order=True))
    for shard in range(4):
        world.append(shard, 200)
    for name in "AB":
        world.start(name, pause=0.03)
    until("both share the shards", lambda: world.owners() == set("AB"))
    sizes = [[seat.owner for seat in world.groups.state("jobs").seats.values()].count(name) for name in "AB"]
    assert sizes == [2, 2]
    until("A works", lambda: (world.folder / "A.jsonl").stat().st_size > 0)
    world.signal("A", signal.SIGKILL)
    assert world.ended("A") == -signal.SIGKILL
    took = until("B has all shards", lambda: world.owners() == {"B"})
    assert took < TIMEOUT + 5, "the rest is what a loaded machine may need"
    store = world.home.open_logstore("default", "web")
    low, high = store.split_shard(0)
    for shard in (low, high, 1, 2, 3):
        world.append(shard, 30)
    world.start("C", pause=0.01)
    until("C has joined", lambda: "C" in world.owners())
    until("all is read", world.caught_up)
    assert world.groups.state("jobs").seats[0].state == "over"
    for name in "BC":
        world.signal(name, signal.SIGTERM)
    assert [world.ended(name) for name in "BC"] == [0, 0]
    assert world.groups.state("jobs").consumers == {}, "who stops leaves at once"
    world.check(most_doubled=4 * 10)
    parent = max(line["ended"] for line in world.lines() if line["shard"] == 0)
    assert all(line["began"] > parent for line in world.lines() if line["shard"] in (low, high)), "children before their parent's end"


def test_a_frozen_consumer_changes_nothing_when_it_wakes_up(world: World) -> None:
    make_store(world.home, shards=2)
    world.groups.create(ConsumerGroup("jobs", 1))
    for shard in range(2):
        world.append(shard, 30)
    world.start("A", freeze_at=2)
    until("A has begun", lambda: (world.folder / "A.jsonl").exists() and (world.folder / "A.jsonl").stat().st_size > 0)
    world.start("B")
    until("all is read by B", lambda: world.caught_up() and world.owners() == {"B"})
    before = {one.shard: one.cursor for one in world.groups.checkpoints("jobs")}
    world.signal("A", signal.SIGCONT)
    until("A joins again", lambda: world.owners() == set("AB"))
    assert {one.shard: one.cursor for one in world.groups.checkpoints("jobs")} == before
    world.append(0, 5)
    world.append(1, 5)
    until("both go on", world.caught_up)
    for name in "AB":
        world.signal(name, signal.SIGINT)
    assert [world.ended(name) for name in "AB"] == [0, 0]
    world.check(most_doubled=10)


def test_results_that_keep_their_place_have_each_log_once(world: World) -> None:
    make_store(world.home, shards=2)
    world.groups.create(ConsumerGroup("jobs", 1))
    for shard in range(2):
        world.append(shard, 40)
    results = str(world.folder / "results.sqlite")
    for name in "AB":
        world.start(name, results=results, die_at=2, until_idle=True)
        assert world.ended(name) == -signal.SIGKILL, "after its results are kept, before the checkpoint is"
        until("the dead are gone", lambda: not world.groups.state("jobs").consumers)
    world.append(0, 20)  # the next group is cut elsewhere
    world.start("C", results=results, until_idle=True)
    assert world.ended("C") == 0
    assert world.caught_up()
    with sqlite3.connect(results) as database:
        assert sorted(number for (number,) in database.execute("select n from log")) == list(range(world.appended))
