"""Ledgers of jobs in real databases, with shards that grow by hand and a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.consumers.logs_in_shards import LogsInShards, cursor_at
from tests.ledger_database import empty_catalogue
from transforms.connectors.sql_catalogue import open_sql_catalogue
from transforms.connectors.sql_catalogue_engine import make_engine
from transforms.connectors.sql_consumer_groups import sql_consumer_groups
from transforms.connectors.sql_job_ledger import SqlJobLedger
from transforms.core.clock import FixedClock
from transforms.core.errors import LogsluiceError
from transforms.jobs.job import Job, JobState
from transforms.jobs.ledger import JobLedger, Lead, NewJob
from transforms.stores.consumer_group import ConsumerGroups, ShardExtents
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.stores.slice import Intended, SliceCounts, SliceLedger, Wanted

__all__ = ["START_US", "Kept", "ledger_url", "new", "port", "refused"]

START_US = 1_700_000_040_000_000
"""A full minute."""


def ledger_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """An empty ledger with the Logstores ``access`` and ``other``."""
    where = empty_catalogue(request, folder)
    catalogue = open_sql_catalogue(where)
    catalogue.create_project("shop")
    for name in ("access", "other"):
        catalogue.create_logstore(LogstoreDescriptor("shop", name, f"/nowhere/{name}", even_shards(1)))
    catalogue.close()
    return where


def new(name: str = "clean", definition: str = "rule 1", **more: Any) -> NewJob:
    return NewJob("shop", name, more.pop("source", ("shop", "access")), definition, **more)


@contextmanager
def refused(code: str, match: str | None = None) -> Iterator[None]:
    with pytest.raises(LogsluiceError, match=match) as error:
        yield
    assert error.value.code == code, error.value


@dataclass
class Kept:
    """A ledger, the source it reads, and a clock."""

    url: str
    clock: FixedClock = field(default_factory=lambda: FixedClock(START_US))
    logs: LogsInShards = field(default_factory=lambda: LogsInShards.of(2))
    ledger: SqlJobLedger = field(init=False)
    groups: ConsumerGroups = field(init=False)

    def __post_init__(self) -> None:
        engine = make_engine(self.url)
        self.ledger = SqlJobLedger(engine, lambda *_: self.logs.extents, lambda _: self.now_us)
        self.groups = sql_consumer_groups(engine, "shop", "access", self._extents, lambda _: self.now_us)

    def _extents(self) -> ShardExtents:
        return self.logs.extents()  # of the logs that are set by then

    @property
    def now_us(self) -> int:
        return self.clock.now_us()

    def later(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def job(self, name: str = "clean") -> Job:
        return self.ledger.job("shop", name)

    def led(self, name: str = "clean", scheduler: str = "s1", lease: float = 10) -> Lead:
        """The lead there must be now."""
        lead = self.ledger.lead("shop", name, scheduler, lease)
        assert lead is not None
        return lead

    def running(self, name: str = "clean", **more: Any) -> Job:
        """A new job that a scheduler runs."""
        self.ledger.create(new(name, **more))
        return self.ledger.settle(self.led(name), JobState.RUNNING)

    def joined(self, job: Job, consumer: str = "A") -> dict[int, int]:
        """Shard → epoch of what a consumer is told to work on."""
        return {one.shard: one.epoch for one in self.groups.heartbeat(job.group, consumer, ())}

    def advance(self, job: Job, shard: int, logs: int, *, consumer: str = "A", epoch: int = 1) -> None:
        """One slice, from the first point to the last."""
        slices = self.ledger.slices(job)
        seat = next(one for one in self.groups.checkpoints(job.group) if one.shard == shard)
        begin = 0 if seat.cursor is None else seat.cursor.row
        self.logs.append(self.now_us, logs, shard=shard)
        (made,) = slices.begin(consumer, {shard: Wanted(epoch, cursor_at(begin), cursor_at(begin + logs))}, "rule").values()
        counts = SliceCounts(logs, logs - 1, 0, 1)
        assert slices.intend(consumer, {shard: Intended(epoch, made.number, "files", counts)}).keys() == {shard}
        assert slices.finish(consumer, {shard: (epoch, made.number)}) == {shard}


def port(ledger: SqlJobLedger, job: Job) -> tuple[JobLedger, SliceLedger]:
    """The adapter fills the ports: the type checker looks."""
    return ledger, ledger.slices(job)
