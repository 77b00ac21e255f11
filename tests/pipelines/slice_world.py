"""A small world for rounds of a continuous job: a source, a job, a ledger in memory, and one instance's loop without its processes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.definition import definition_of
from pipelines.jobs.job_plan import JobPlan, plan_job
from pipelines.jobs.slice_commit import SliceCommits
from pipelines.jobs.slice_round import SliceRounds
from pipelines.launch import options_of
from pipelines.transformation.transform_job import read_job
from tests.pipelines.memory_ledger import MemoryLedger
from tests.pipelines.transform_world import numbered_logs
from transforms.core.clock import SystemClock
from transforms.jobs.job import Job, JobState
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.stores.slice import LaneState, Slice, Wanted

__all__ = ["World", "add_to_shard", "job_of_file", "make_sharded_source"]


def make_sharded_source(home: Home, logs: int = 50) -> None:
    """``source`` with two shards of so many numbered logs each."""
    store = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "source", "", even_shards(2)))
    for shard in (0, 1):
        add_to_shard(home, shard, range(shard * logs, (shard + 1) * logs))
    assert store.snapshot().rows_total == 2 * logs


def add_to_shard(home: Home, shard: int, numbers: range) -> None:
    """Numbered logs as in `tests.pipelines.transform_world`."""
    store = home.open_logstore(DEFAULT_PROJECT, "source")
    store.commit(store.write_files([numbered_logs(numbers)], shard=shard))


def job_of_file(path: Path) -> tuple[Job, str]:
    """A running job, and its definition."""
    definition = read_job(path, DEFAULT_PROJECT)
    source = (definition.source.project, definition.source.logstore)
    return Job(DEFAULT_PROJECT, definition.name, "0" * 32, source, 1, 1, 1, JobState.RUNNING), definition_of(definition)


class World:
    """One instance that owns all shards; ``flags`` are the pipelines'."""

    def __init__(self, home: Home, job_file: Path, *flags: str) -> None:
        self.home = home
        self.job, self.definition = job_of_file(job_file)
        self.plan: JobPlan = plan_job(home, self.job, self.definition)
        self.store = home.open_logstore(*self.job.source)
        self.ledger = MemoryLedger({record.shard.id: 1 for record in self.store.shard_map().records})
        self.rounds = SliceRounds(self.plan, options_of(list(flags)), home=home)
        self.commits = SliceCommits(home, self.plan, self.ledger, "me", SystemClock())

    @property
    def epochs(self) -> Mapping[int, int]:
        return self.ledger.owners

    def begin(self, most: int = 1_000_000, only: frozenset[int] | None = None) -> dict[int, Slice]:
        """The next slices of all shards that have logs to read."""
        wanted = {}
        for record in self.store.shard_map().records:
            shard = record.shard.id
            if only is not None and shard not in only:
                continue
            self.ledger.owners.setdefault(shard, 1)
            begin = self._position(shard)
            end = self.store.reach(shard, begin, most)
            if begin < end:
                wanted[shard] = Wanted(self.epochs[shard], begin, end)
        return dict(self.ledger.begin("me", wanted, self.plan.definition.digest))

    def _position(self, shard: int) -> Cursor:
        return self.ledger.lanes.setdefault(shard, LaneState()).position or BEGIN

    def round(self, most: int = 1_000_000) -> frozenset[int]:
        """One round; gives the shards whose slice is done."""
        slices = self.begin(most)
        if not slices:
            return frozenset()
        computed = self.rounds.run({shard: (one.begin, one.end) for shard, one in slices.items()})
        return self.commits.commit(self.epochs, slices, computed)

    def drain(self, most: int = 1_000_000) -> int:
        """Rounds until there is nothing more to read; gives how many."""
        count = 0
        while self.round(most):
            count += 1
        return count

    def taken_over(self) -> World:
        """The next owner of all shards."""
        other = object.__new__(World)
        other.__dict__.update(self.__dict__)
        for shard in self.ledger.owners:
            self.ledger.owners[shard] += 1
        other.commits = SliceCommits(self.home, self.plan, self.ledger, "you", SystemClock())
        return other

    def edited(self, job_file: Path) -> None:
        """Go on by another definition."""
        self.job, self.definition = job_of_file(job_file)
        self.job = dataclasses.replace(self.job, version=2, running_version=2)
        self.plan = plan_job(self.home, self.job, self.definition)
        self.rounds = SliceRounds(self.plan, options_of([]), home=self.home)
        self.commits = SliceCommits(self.home, self.plan, self.ledger, "me", SystemClock())
