"""What processes do with a ledger of jobs: ``python -m tests.jobs.job_ledger_program URL TARGET`` is one instance among others, by the
database's own clock, on logs that are numbers. A target is a file of lines; what a lane has committed to it is not committed again."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from tests.consumers.logs_in_shards import LogsInShards, cursor_at
from tests.jobs.sql_job_ledgers import new
from transforms.connectors.sql_catalogue_engine import make_engine
from transforms.connectors.sql_consumer_group_rows import database_now_us
from transforms.connectors.sql_consumer_groups import sql_consumer_groups
from transforms.connectors.sql_job_ledger import SqlJobLedger
from transforms.core.durable import durable
from transforms.core.errors import AlreadyExists, LogsluiceError
from transforms.jobs.job import Job, JobState, lane_app
from transforms.stores.slice import Intended, SliceCounts, Wanted

__all__ = ["Instance", "committed", "run_to_the_end", "source"]

SHARDS, LOGS, PART = 2, 6, 3


def source(shards: int = SHARDS, logs: int = LOGS) -> LogsInShards:
    found = LogsInShards.of(shards)
    for shard in range(shards):
        found.append(0, logs, shard=shard)
    return found


def committed(target: Path) -> dict[str, Counter[int]]:
    """Generation → how often each log (shard × 1000 + number) is there."""
    found: dict[str, Counter[int]] = {}
    for line in target.read_text().splitlines():
        one = json.loads(line)
        _, _, generation, shard = one["lane"].split("/")
        found.setdefault(generation, Counter()).update(int(shard) * 1_000 + log for log in range(*one["logs"]))
    return found


class Instance:
    """A consumer of the job's group that takes one slice of each of its shards at a time."""

    def __init__(self, url: str, target: Path, logs: LogsInShards, now_us: Callable[[sa.Connection], int] = database_now_us) -> None:
        engine = make_engine(url)
        self.ledger = SqlJobLedger(engine, lambda *_: logs.extents, now_us)
        self.groups = sql_consumer_groups(engine, "shop", "access", logs.extents, now_us)
        self.name = uuid.uuid4().hex
        self.rounds = 0
        self._logs, self._target = logs, target
        self._shards: list[int] = []

    def all_read(self, job: Job) -> bool:
        return all(
            (one.cursor.row if one.cursor else 0) == len(self._logs.received[one.shard]) for one in self.groups.checkpoints(job.group)
        )

    def round(self, job: Job, pause: Callable[[], None] = lambda: None) -> None:
        """One slice of each shard, from the first point to the last."""
        slices = self.ledger.slices(job)
        told = {seat.shard: seat for seat in self.groups.heartbeat(job.group, self.name, self._shards)}
        self._shards = list(told)
        epochs = {shard: seat.epoch for shard, seat in told.items()}
        wanted = {}
        for shard, seat in told.items():
            begin = seat.checkpoint.row if seat.checkpoint else 0
            end = min(begin + PART, len(self._logs.received[shard]))
            if begin < end:
                wanted[shard] = Wanted(seat.epoch, cursor_at(begin), cursor_at(end))
        begun = slices.begin(self.name, wanted, f"rule {job.running_version}")
        pause()
        intended = {
            shard: Intended(
                epochs[shard], one.number, json.dumps({"by": self.name}), SliceCounts(one.end.row - one.begin.row, one.end.row - one.begin.row)
            )
            for shard, one in begun.items()
        }  # fmt: skip
        intents = slices.intend(self.name, intended)
        for shard, one in intents.items():
            pause()
            by = json.loads(one.intent)["by"]
            self._commit(lane_app(job.id, job.generation, shard), one.number, [one.begin.row, one.end.row], by)
        pause()
        slices.finish(self.name, {shard: (epochs[shard], one.number) for shard, one in intents.items()})
        self.rounds += bool(intents)

    def _commit(self, lane: str, number: int, logs: list[int], by: str) -> None:
        with durable("target.commit"), self._target.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if not any((one["lane"], one["number"]) == (lane, number) for one in map(json.loads, file)):
                file.write(json.dumps({"lane": lane, "number": number, "logs": logs, "by": by}) + "\n")


def run_to_the_end(url: str, target: Path, now_us: Callable[[sa.Connection], int]) -> None:
    """A job that is run twice from its beginning, and succeeds; what was done of that before is not done again."""
    one = Instance(url, target, source(), now_us)
    ledger = one.ledger
    with suppress(AlreadyExists):
        ledger.create(new())
    while (job := ledger.job("shop", "clean")).state != JobState.SUCCEEDED:
        lead = ledger.lead("shop", "clean", one.name, 3_600)
        assert lead is not None
        if lead.job.state == JobState.STARTING:
            job = ledger.settle(lead, JobState.RUNNING)
        elif lead.job.state == JobState.RESTARTING:
            ledger.settle(lead, JobState.STARTING)
            continue
        while not one.all_read(job):
            one.round(job)
            ledger.renew(lead, 3_600)
        if job.generation == 1:
            ledger.edit(new(definition="rule 2"))
            ledger.act("shop", "clean", "rerun")
            one.name = uuid.uuid4().hex
            one._shards = []
        else:
            ledger.settle(lead, JobState.SUCCEEDED)
        ledger.release(lead)
    ledger.close()


def main(url: str, target: str, shards: str, logs: str) -> None:
    """Work until all is read; a dot for each round."""
    one = Instance(url, Path(target), source(int(shards), int(logs)))
    job = one.ledger.job("shop", "clean")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not one.all_read(job):
        try:
            one.round(job, lambda: time.sleep(0.01))
        except LogsluiceError as refusal:
            if refusal.code not in ("NotExistConsumerWithBody", "ConsumerNotExist"):
                raise
            one._shards = []
    sys.stdout.write(f"{one.rounds}\n")
    one.groups.leave(job.group, one.name)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
