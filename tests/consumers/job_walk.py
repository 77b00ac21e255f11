"""Random walks of a transformation job: workers that go through the numbered points of slices, are killed or paused between any two of
them, and targets that keep what was committed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.consumers.logs_in_shards import LogsInShards, cursor_at
from transforms.consumers.group_machine import GroupMachine
from transforms.consumers.progress import has_read
from transforms.consumers.slice_lane import SliceLane
from transforms.core.clock import FixedClock
from transforms.core.errors import LogsluiceError
from transforms.stores.consumer_group import ConsumerGroup, GroupState
from transforms.stores.slice import LaneState, Slice, SliceCounts

TIMEOUT_S = 30
START_US = 1_000_000_000
Log = tuple[int, int]
"""A shard and the log's number in it."""
Rows = dict[Log, list[str]]
TARGETS = ("dead letters", "errors", "pages", "tenant-7")


@dataclass
class Hold:
    """A worker's work on one shard: up to where it has read, and at which point of which slice it is."""

    epoch: int
    position: int
    point: int = 1
    slice: Slice | None = None
    files: dict[str, list[int]] = field(default_factory=dict)
    to_commit: list[str] = field(default_factory=list)


@dataclass
class Worker:
    name: str
    incarnation: str
    held: dict[int, Hold] = field(default_factory=dict)
    asleep: bool = False


@dataclass
class Target:
    versions: dict[int, int] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)

    def commit(self, lane: int, version: int, rows: Rows) -> bool:
        if version <= self.versions.get(lane, 0):
            return False
        self.versions[lane] = version
        for log, made_by in rows.items():
            self.rows.setdefault(log, []).extend(made_by)
        return True


class JobWalk:
    """``capricious``: a computation routes logs anew each time, like a rule that asks for the time. ``start_us``, ``end_us``: the job's
    receive times; None = all, for ever."""

    def __init__(self, seed: int, *, capricious: bool = True, start_us: int | None = None, end_us: int | None = None) -> None:
        self.random = Random(seed)
        self.capricious, self.start_us, self.end_us = capricious, start_us, end_us
        self.clock = FixedClock(START_US)
        self.logs = LogsInShards.of(self.random.randint(1, 3))
        self.state = GroupState(ConsumerGroup("job", TIMEOUT_S, order=True))
        self.lanes: dict[int, LaneState] = {}
        self.targets = {name: Target() for name in TARGETS}
        self.routed: dict[Log, set[str]] = {}
        """Where the first recorded intent sends a log: what counts."""
        self.rules: dict[Log, str] = {}
        self.counts = SliceCounts()
        self.rule = 1
        self.workers: list[Worker] = []
        self.born = 0
        self.seen: Counter[str] = Counter()
        self.watch: Callable[[], None] = lambda: None

    # One thing happens

    def run(self, steps: int) -> JobWalk:
        for _ in range(steps):
            what = self.random.choices(
                ("work", "beat", "join", "kill", "sleep", "wake", "leave", "append", "split", "merge", "tick", "pause", "edit", "restart"),
                (60, 22, 6, 3, 4, 6, 1, 14, 3, 2, 6, 2, 2, 1),
            )[0]
            self._do(what)
        return self

    def drain(self) -> JobWalk:
        """Whoever was asleep wakes up, someone new comes; all work until nothing is left, or the job has ended."""
        for worker in self.workers:
            worker.asleep = False
        for _ in range(400):
            if not self.state.consumers:
                self._join()
            for worker in list(self.workers):
                self._beat_of(worker)
                for shard in sorted(worker.held):
                    while self._has_work(worker, shard):
                        self._work_of(worker, shard)
            self.clock.sleep(TIMEOUT_S / 3)
            self.watch()
            if self.ended() if self.end_us is not None else self._all_read():
                return self
        raise AssertionError(f"still not read: {self.state.seats}")

    def ended(self) -> bool:
        return has_read(self.machine().state, self._ends())

    def machine(self) -> GroupMachine:
        return GroupMachine(self.state, self.logs.extents(), self.clock.now_us())

    def limit(self, shard: int) -> int:
        """The place behind the shard's last log for the job, as far as it is known now."""
        return len(self.logs.received[shard]) if self.end_us is None else self.logs.position(shard, self.end_us)

    def first(self, shard: int) -> int:
        return 0 if self.start_us is None else min(self.logs.position(shard, self.start_us), self.limit(shard))

    def _ends(self) -> Any:
        if self.end_us is None or self.clock.now_us() < self.end_us:
            return None
        return {shard: cursor_at(self.limit(shard)) for shard in self.logs.received if self.limit(shard) > self.first(shard)}

    def _all_read(self) -> bool:
        ends = {shard: cursor_at(len(times)) for shard, times in self.logs.received.items()}
        return has_read(self.machine().state, ends)

    def _do(self, what: str) -> None:
        awake = [worker for worker in self.workers if not worker.asleep]
        self.seen[what] += 1
        if what == "work":
            held = [(worker, shard) for worker in awake for shard in worker.held]
            if held:
                self._work_of(*self.random.choice(held))
        elif what in ("beat", "sleep", "leave") and awake:
            getattr(self, f"_{what}_of")(self.random.choice(awake))
        elif what == "kill" and self.workers:
            self.workers.remove(self.random.choice(self.workers))
        elif what == "wake":
            for worker in self.workers:
                worker.asleep = False
        elif what in ("join", "append", "split", "merge", "tick", "pause", "edit", "restart"):
            getattr(self, f"_{what}")()
        self.watch()

    # Workers

    def _join(self) -> None:
        if len(self.workers) < 6:
            self.born += 1
            # Names come again: whoever was taken for dead may wake up beside a successor of its name.
            self.workers.append(Worker(self.random.choice("ABCD"), f"process-{self.born}"))
            self._beat_of(self.workers[-1])

    def _beat_of(self, worker: Worker) -> None:
        try:
            answer = self.machine().heartbeat(worker.name, worker.held, worker.incarnation)
        except LogsluiceError as refusal:
            self._refused(worker, None, refusal)
            return
        told = {one.shard: one for one in answer}
        worker.held = {shard: hold for shard, hold in worker.held.items() if shard in told and hold.epoch == told[shard].epoch}
        for shard, one in told.items():
            if shard not in worker.held:
                worker.held[shard] = Hold(one.epoch, 0 if one.checkpoint is None else one.checkpoint.row)

    def _sleep_of(self, worker: Worker) -> None:
        worker.asleep = True

    def _leave_of(self, worker: Worker) -> None:
        self.workers.remove(worker)
        try:
            self.machine().leave(worker.name, worker.incarnation)
        except LogsluiceError as refusal:
            self.seen[refusal.code] += 1

    def _refused(self, worker: Worker, shard: int | None, refusal: LogsluiceError) -> None:
        self.seen[refusal.code] += 1
        if shard is None:
            worker.held.clear()
        else:
            worker.held.pop(shard, None)

    def _work_of(self, worker: Worker, shard: int) -> None:
        hold = worker.held.get(shard)
        if hold is None:
            return
        self.seen[f"point {hold.point}"] += 1
        at = hold.point
        try:
            getattr(self, f"_point_{at}")(worker, shard, hold)
            if self.random.random() < 0.05:
                self._lose_the_answer(worker, shard, hold, at)
        except LogsluiceError as refusal:
            self._refused(worker, shard, refusal)

    def _lose_the_answer(self, worker: Worker, shard: int, hold: Hold, at: int) -> None:
        """It was done, but the worker cannot know, and does it again: computing anew before it records an intent."""
        self.seen["lost answer"] += 1
        if at == 4:
            hold.to_commit = sorted(self.targets)
        hold.point = 2 if at == 3 else at
        worker.held[shard] = hold

    def _has_work(self, worker: Worker, shard: int) -> bool:
        hold = worker.held.get(shard)
        if hold is None or (hold.point == 1 and self.start_us is not None and self.clock.now_us() < self.start_us):
            return False
        return hold.point > 1 or hold.position < self.limit(shard)

    # The numbered points of a slice: each is one transaction or one commit, and a kill may come between any two

    def _point_1(self, worker: Worker, shard: int, hold: Hold) -> None:
        machine = self.machine()
        machine.check_owner(shard, worker.name, hold.epoch)
        if self.state.seats[shard].checkpoint is None:
            if self.start_us is not None and self.clock.now_us() < self.start_us:
                return  # logs that the job leaves out may still come
            if hold.position != self.first(shard):
                hold.position = self.first(shard)
                machine.save(shard, cursor_at(hold.position), consumer=worker.name, epoch=hold.epoch)
                return
        lane = SliceLane(self.lanes.setdefault(shard, LaneState()), hold.epoch)
        most = self.limit(shard) - hold.position
        if lane.unfinished is None and most <= 0:
            return
        end = hold.position + self.random.randint(1, max(1, most))
        hold.slice = lane.begin(cursor_at(hold.position), cursor_at(end), str(self.rule))
        assert hold.slice.begin.row == hold.position
        hold.point = 4 if hold.slice.intent else 2
        hold.to_commit = sorted(self.targets)

    def _point_2(self, _worker: Worker, shard: int, hold: Hold) -> None:
        assert hold.slice is not None
        hold.files = {}
        for log in range(hold.slice.begin.row, hold.slice.end.row):
            for target in self.route((shard, log)):
                hold.files.setdefault(target, []).append(log)
        hold.point = 3

    def route(self, log: Log) -> set[str]:
        chance = self.random if self.capricious else Random(repr(log))
        return set(chance.sample(TARGETS[1:], chance.randint(1, 2))) if chance.random() < 0.8 else {TARGETS[0]}

    def _point_3(self, worker: Worker, shard: int, hold: Hold) -> None:
        assert hold.slice is not None
        self.machine().check_owner(shard, worker.name, hold.epoch)
        mine = json.dumps({"files": hold.files, "by": f"rule {hold.slice.rule}, {worker.name}"})
        counts = SliceCounts(hold.slice.end.row - hold.slice.begin.row, dead=len(hold.files.get(TARGETS[0], ())))
        hold.slice = SliceLane(self.lanes[shard], hold.epoch).intend(hold.slice.number, mine, counts)
        for target, logs in json.loads(hold.slice.intent)["files"].items():
            for log in logs:
                self.routed.setdefault((shard, log), set()).add(target)
                self.rules[(shard, log)] = hold.slice.rule
        hold.point = 4

    def _point_4(self, _worker: Worker, shard: int, hold: Hold) -> None:
        assert hold.slice is not None
        intent = json.loads(hold.slice.intent)
        target = hold.to_commit.pop(0)
        rows = {(shard, log): [intent["by"]] for log in intent["files"].get(target, ())}
        if not self.targets[target].commit(shard, hold.slice.number, rows):
            self.seen["repeated commit"] += 1
        hold.point = 4 if hold.to_commit else 5

    def _point_5(self, worker: Worker, shard: int, hold: Hold) -> None:
        assert hold.slice is not None
        machine = self.machine()
        machine.check_owner(shard, worker.name, hold.epoch)
        done = SliceLane(self.lanes[shard], hold.epoch).finish(hold.slice.number)
        machine.save(shard, done.end, consumer=worker.name, epoch=hold.epoch)
        self.counts += done.counts
        worker.held[shard] = Hold(hold.epoch, done.end.row)

    # The world

    def _append(self) -> None:
        self.logs.append(self.clock.now_us(), self.random.randint(1, 5), key=f"{self.random.getrandbits(128):032x}")

    def _split(self) -> None:
        if len(self.logs.shards.writable) < 5:
            self.logs.split(self.random.choice(self.logs.shards.writable).id)

    def _merge(self) -> None:
        if len(self.logs.shards.writable) > 1:
            self.logs.merge(self.random.choice(self.logs.shards.writable[:-1]).id)

    def _tick(self) -> None:
        self.clock.sleep(self.random.uniform(0, TIMEOUT_S / 3))

    def _pause(self) -> None:
        self.clock.sleep(TIMEOUT_S * 1.5)

    def _edit(self) -> None:
        self.rule += 1

    def _restart(self) -> None:
        for worker in list(self.workers):
            self._leave_of(worker)
        self._join()
