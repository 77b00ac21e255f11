"""The random walks of the state machines, with the ledger's lanes and the group's rows instead: the promises are kept in databases too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

import pytest

from tests.consumers.job_walk import START_US, TARGETS, Hold, JobWalk, Worker
from tests.consumers.logs_in_shards import cursor_at
from tests.jobs.sql_job_ledgers import Kept
from transforms.consumers.group_machine import GroupMachine
from transforms.core.errors import CommitConflict, LogsluiceError
from transforms.stores.slice import Intended, SliceCounts, SliceLedger, Wanted

T = TypeVar("T")
STEPS = 100
EVENTS = (
    "kill",
    "sleep",
    "wake",
    "split",
    "edit",
    "repeated commit",
    "LeftOut",
    "lost answer",
    *(f"point {number}" for number in range(1, 6)),
)
WALKS = [pytest.param(12, id="few"), pytest.param(300, marks=pytest.mark.soak, id="many")]


class LedgerWalk(JobWalk):
    """A walk whose lanes and group are in a ledger."""

    def __init__(self, kept: Kept, seed: int, *, start_us: int | None = None) -> None:
        super().__init__(seed, capricious=True, start_us=start_us)
        self.kept = kept
        kept.logs, kept.clock = self.logs, self.clock
        self.job = kept.running(f"walk-{seed}", start_us=start_us)
        self.slices: dict[str, SliceLedger] = {}

    def machine(self) -> GroupMachine:
        self.state = self.kept.groups.state(self.job.group)
        return GroupMachine(self.state.copy(), self.logs.extents(), self.clock.now_us())

    def ledger_of(self, worker: Worker) -> SliceLedger:
        """A process has one for as long as it lives."""
        if worker.incarnation not in self.slices:
            self.slices[worker.incarnation] = self.kept.ledger.slices(self.job)
        return self.slices[worker.incarnation]

    def _beat_of(self, worker: Worker) -> None:
        try:
            held = list(worker.held)
            answer = self.kept.groups.heartbeat(self.job.group, worker.name, held, incarnation=worker.incarnation)
        except LogsluiceError as refusal:
            self._refused(worker, None, refusal)
            return
        told = {one.shard: one for one in answer}
        worker.held = {shard: hold for shard, hold in worker.held.items() if shard in told and hold.epoch == told[shard].epoch}
        for shard, one in told.items():
            if shard not in worker.held:
                worker.held[shard] = Hold(one.epoch, 0 if one.checkpoint is None else one.checkpoint.row)
                if one.checkpoint is None and self.start_us is not None:
                    worker.held[shard].position = -1
        self.machine()

    def _leave_of(self, worker: Worker) -> None:
        self.workers.remove(worker)
        try:
            self.kept.groups.leave(self.job.group, worker.name, incarnation=worker.incarnation)
        except LogsluiceError as refusal:
            self.seen[refusal.code] += 1

    def _point_1(self, worker: Worker, shard: int, hold: Hold) -> None:
        slices = self.ledger_of(worker)
        found = _mine(slices.unfinished(worker.name, {shard: hold.epoch}), shard)
        if hold.position < 0:
            if self.start_us is not None and self.clock.now_us() < self.start_us:
                return
            first = self.first(shard)
            if shard not in slices.start_at(worker.name, {shard: (hold.epoch, cursor_at(first))}):
                raise CommitConflict("not this one's any more", code="LeftOut")
            hold.position = first
            return
        most = self.limit(shard) - hold.position
        if found is None and most <= 0:
            return
        end = hold.position + self.random.randint(1, max(1, most))
        wanted = {shard: Wanted(hold.epoch, cursor_at(hold.position), cursor_at(end))}
        hold.slice = _mine(slices.begin(worker.name, wanted, str(self.rule)), shard)
        assert hold.slice is not None and hold.slice.begin.row == hold.position
        assert found is None or (found.number, found.begin, found.end) == (hold.slice.number, hold.slice.begin, hold.slice.end)
        hold.point = 4 if hold.slice.intent else 2
        hold.to_commit = sorted(self.targets)

    def _point_3(self, worker: Worker, shard: int, hold: Hold) -> None:
        assert hold.slice is not None
        mine = json.dumps({"files": hold.files, "by": f"rule {hold.slice.rule}, {worker.name}"})
        counts = SliceCounts(hold.slice.end.row - hold.slice.begin.row, dead=len(hold.files.get(TARGETS[0], ())))
        intended = {shard: Intended(hold.epoch, hold.slice.number, mine, counts)}
        hold.slice = _mine(self.ledger_of(worker).intend(worker.name, intended), shard)
        assert hold.slice is not None
        for target, logs in json.loads(hold.slice.intent)["files"].items():
            for log in logs:
                self.routed.setdefault((shard, log), set()).add(target)
                self.rules[(shard, log)] = hold.slice.rule
        hold.point = 4

    def _point_5(self, worker: Worker, shard: int, hold: Hold) -> None:
        assert hold.slice is not None
        done = self.ledger_of(worker).finish(worker.name, {shard: (hold.epoch, hold.slice.number)})
        if shard not in done:
            raise CommitConflict("not this one's any more", code="LeftOut")
        worker.held[shard] = Hold(hold.epoch, hold.slice.end.row)


def _mine(answer: Mapping[int, T], shard: int) -> T:
    """Raises CommitConflict when the shard was left out."""
    if shard not in answer:
        raise CommitConflict("not this one's any more", code="LeftOut")
    return answer[shard]


@pytest.mark.parametrize("walks", WALKS)
def test_every_log_exactly_once_in_each_target_it_is_routed_to(kept: Kept, walks: int) -> None:
    seen = Counter[str]()
    for seed in range(walks):
        start_us = START_US + 20_000_000 if seed % 3 == 2 else None
        walk = LedgerWalk(kept, seed, start_us=start_us)
        walk.run(STEPS).drain()
        seen.update(walk.seen)
        found: dict[tuple[int, int], list[str]] = {}
        for name, target in walk.targets.items():
            for log, made_by in target.rows.items():
                found.setdefault(log, []).extend([name] * len(made_by))
        assert {log: sorted(places) for log, places in found.items()} == {log: sorted(places) for log, places in walk.routed.items()}
        logs = {
            (shard, log) for shard, times in walk.logs.received.items() for log, at in enumerate(times) if start_us is None or at >= start_us
        }  # fmt: skip
        assert walk.routed.keys() == logs
        totals = sum(kept.ledger.totals(walk.job).values(), SliceCounts())
        assert (totals.read, totals.dead) == (len(logs), sum(places == ["dead letters"] for places in found.values()))
        kept.ledger.delete("shop", walk.job.name)
    assert [event for event in EVENTS if not seen[event]] == []
