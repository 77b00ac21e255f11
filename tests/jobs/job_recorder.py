"""Watches a job from outside while it runs, as often as it can: its group, its targets, its lag; and keeps what it saw."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.job_figures import figures_of
from tests.jobs.job_rule import expected
from tests.jobs.job_world import JOB, SOURCE, JobWorld
from transforms.core.errors import NotFound, StoreError
from transforms.stores.consumer_group import GroupState
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import Logstore

__all__ = ["GroupSeen", "LagSeen", "Recorder", "numbers_of"]

_GROUP_EVERY, _REST_EVERY = 0.03, 0.7


@dataclass(frozen=True)
class GroupSeen:
    """The group at some moment between two of the ledger's clock, microseconds."""

    after_us: int
    before_us: int
    state: GroupState


@dataclass(frozen=True)
class LagSeen:
    """The lags that the job's figures told, and of each shard whether its checkpoint was at its end: before, and after."""

    lags: dict[int, int | None]
    job: int | None
    caught_up: dict[int, tuple[bool, bool]]


@dataclass
class _Seen:
    groups: list[GroupSeen] = field(default_factory=list)
    lags: list[LagSeen] = field(default_factory=list)
    behind_targets: list[str] = field(default_factory=list)
    checks: int = 0


class Recorder:
    """A context manager; ``seen`` holds what was there. ``behind_targets``: logs before a checkpoint that some target did not have."""

    def __init__(self, world: JobWorld) -> None:
        self.seen = _Seen()
        self._world = world
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._threads = [threading.Thread(target=self._watch, args=(each, every)) for each, every in
                         ((self._group, _GROUP_EVERY), (self._rest, _REST_EVERY))]  # fmt: skip

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def _watch(self, look: Callable[[Home], None], every: float) -> None:
        home = self._world.home.once_more()
        try:
            while not self._over.wait(every):
                try:
                    look(home)
                except (StoreError, NotFound):
                    time.sleep(0.2)
        except BaseException as failure:
            self._failure = failure
        finally:
            home.close()

    def _group(self, home: Home) -> None:
        ledger, groups = home.job_ledger(), home.consumer_groups(DEFAULT_PROJECT, SOURCE)
        job = ledger.job(DEFAULT_PROJECT, JOB)
        after = ledger.now_us()
        state = groups.state(job.group)
        self.seen.groups.append(GroupSeen(after, ledger.now_us(), state))

    def _rest(self, home: Home) -> None:
        job = home.job_ledger().job(DEFAULT_PROJECT, JOB)
        source = home.open_logstore(DEFAULT_PROJECT, SOURCE)
        groups = home.consumer_groups(DEFAULT_PROJECT, SOURCE)

        def at_end() -> dict[int, bool]:
            seats, extents = groups.state(job.group).seats, source.extents().shards
            return {shard: (seats[shard].checkpoint or BEGIN) >= extents[shard].end for shard in seats.keys() & extents.keys()}

        before = at_end()
        figures = figures_of(home, job, store=source)
        after = at_end()
        lags = {one.shard: one.lag_us for one in figures.shards}
        self.seen.lags.append(
            LagSeen(lags, figures.lag_us, {shard: (before[shard], after[shard]) for shard in before.keys() & after.keys()})
        )
        self._checkpoints(source, groups.state(job.group))

    def _checkpoints(self, source: Logstore, state: GroupState) -> None:
        """What is before the checkpoints must be in the targets, looked at afterwards."""
        logs = [log for shard, seat in state.seats.items() for log in _logs_before(source, shard, seat.checkpoint)]
        there = self._world.outputs()
        for target, numbers in expected(logs).items():
            if missing := numbers - there[target]:
                self.seen.behind_targets.append(f"{target}: {sorted(missing)[:10]}")
        self.seen.checks += len(logs)


def _logs_before(source: Logstore, shard: int, end: Cursor | None) -> list[dict[str, str]]:
    logs: list[dict[str, str]] = []
    place = BEGIN
    while end is not None and place < end:
        pulled = source.pull(shard, place, until=end)
        place = pulled.cursor
        logs += [] if pulled.group is None else pulled.group.to_logs()
    return logs


def numbers_of(source: Logstore, shard: int) -> set[str]:
    """The numbers of a shard's logs."""
    return {log["n"] for log in _logs_before(source, shard, source.extents().shards[shard].end)}
