"""The figures of a continuous job: what became of its logs, by the minute and in total, how far each shard is behind, who works on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from transforms.core.errors import NotFound
from transforms.jobs.job import JobState
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.slice import SliceCounts

if TYPE_CHECKING:
    from pipelines.home import Home
    from transforms.jobs.job import Job
    from transforms.jobs.ledger import MinuteFigures
    from transforms.stores.consumer_group import GroupState, Seat
    from transforms.stores.sharded_store import ShardedStore

__all__ = ["MINUTE_US", "SETTLED_US", "JobFigures", "MinuteTotal", "ShardFigures", "by_minute", "figures_of", "rates_between"]

MINUTE_US = 60_000_000
SETTLED_US = 5_000_000
"""What was committed at the end of a minute may come into the ledger a little later; then it is whole."""
_ENDED = (JobState.SUCCEEDED,)


@dataclass(frozen=True)
class MinuteTotal:
    """What was committed of all shards within a minute (microseconds of its beginning, by the ledger's clock)."""

    minute_us: int
    counts: SliceCounts


@dataclass(frozen=True)
class ShardFigures:
    """A shard as the job reads it.

    Attributes:
        state, instance: of its seat in the job's consumer group; no instance = nobody reads it now.
        lag_us: by how much of receive time the job is behind the shard's newest log, 0 when caught up; None when logs that it has not
            read were cleaned away, so that it cannot go on.
        per_second: logs read lately.
        counts: since the generation began.
    """

    shard: int
    state: str
    instance: str
    lag_us: int | None
    per_second: float
    counts: SliceCounts


@dataclass(frozen=True)
class JobFigures:
    """A job at one moment.

    Attributes:
        at_us: the moment, by the ledger's clock.
        instances: names of those that live, sorted.
        shards: by rising id.
        minutes: the newest ones that have figures, oldest first; the last may be the present one, which is not over.
    """

    job: Job
    at_us: int
    instances: tuple[str, ...]
    shards: tuple[ShardFigures, ...]
    minutes: tuple[MinuteTotal, ...]
    counts: SliceCounts

    @property
    def lag_us(self) -> int | None:
        """The largest of the shards; None when one of them cannot be read on."""
        lags = [shard.lag_us for shard in self.shards]
        return None if None in lags else max((lag for lag in lags if lag is not None), default=0)

    @property
    def active_shards(self) -> int:
        """Shards that an instance reads."""
        return sum(bool(shard.instance) for shard in self.shards)

    @property
    def per_second(self) -> float:
        """Logs read lately, of all shards."""
        return sum(shard.per_second for shard in self.shards)

    @property
    def delivered_share(self) -> float | None:
        """Delivered of accepted logs, 0 to 1; None before the first."""
        return None if not self.counts.read else self.counts.delivered / self.counts.read

    def within(self, minutes: int, before_us: int) -> SliceCounts:
        """The sum of the minutes that began within so many minutes before a moment."""
        first = before_us - minutes * MINUTE_US
        return sum((one.counts for one in self.minutes if first <= one.minute_us < before_us), SliceCounts())


def by_minute(figures: Sequence[MinuteFigures]) -> tuple[MinuteTotal, ...]:
    """The shards of each minute added up."""
    return tuple(
        MinuteTotal(minute, sum((one.counts for one in ones), SliceCounts()))
        for minute, ones in groupby(figures, key=lambda one: one.minute_us)
    )


def figures_of(home: Home, job: Job, *, minutes: int = 10, store: ShardedStore | None = None) -> JobFigures:
    """The job's figures now, with those of so many minutes back. ``store``: its source, if it is open already.

    A source or consumer group that is gone has no shards. Raises StoreUnavailable, StoreRejected.
    """
    ledger = home.job_ledger()
    now = ledger.now_us()
    recent = ledger.figures(job, now - now % MINUTE_US - minutes * MINUTE_US)
    totals = ledger.totals(job)
    try:
        group = home.consumer_groups(*job.source).state(job.group)
        seats = _shards(store or home.open_logstore(*job.source), job, group, totals, _rates(job, recent, now))
    except NotFound as error:
        if error.code not in ("ConsumerGroupNotExist", "LogStoreNotExist", "ProjectNotExist"):
            raise
        return JobFigures(job, now, (), (), by_minute(recent), sum(totals.values(), SliceCounts()))
    return JobFigures(job, now, tuple(sorted(group.consumers)), seats, by_minute(recent), sum(totals.values(), SliceCounts()))


def rates_between(before: JobFigures, now: JobFigures) -> JobFigures:
    """With the logs read per second between two looks: livelier than those of the last minute. Another generation starts from nothing."""
    seconds = (now.at_us - before.at_us) / 1_000_000
    if seconds <= 0 or before.job.generation != now.job.generation or before.job.id != now.job.id:
        return now
    read = {shard.shard: shard.counts.read for shard in before.shards}
    return replace(
        now,
        shards=tuple(
            replace(shard, per_second=max(0, shard.counts.read - read.get(shard.shard, 0)) / seconds) for shard in now.shards
        ),
    )  # fmt: skip


def _rates(job: Job, recent: Sequence[MinuteFigures], now: int) -> dict[int, float]:
    """Of each shard the logs per second of the present minute and the one before, or since the job was started."""
    first = now - now % MINUTE_US - MINUTE_US
    seconds = max(1.0, (now - max(first, job.started_us)) / 1_000_000)
    rates: dict[int, float] = {}
    for one in recent:
        if one.minute_us >= first:
            rates[one.shard] = rates.get(one.shard, 0.0) + one.counts.read / seconds
    return rates


def _shards(
    store: ShardedStore, job: Job, group: GroupState, totals: Mapping[int, SliceCounts], rates: Mapping[int, float]
) -> tuple[ShardFigures, ...]:
    return tuple(
        ShardFigures(
            shard, seat.state, seat.owner, _lag(store, job, seat), rates.get(shard, 0.0), totals.get(shard, SliceCounts())
        )
        for shard, seat in sorted(group.seats.items())
    )  # fmt: skip


def _lag(store: ShardedStore, job: Job, seat: Seat) -> int | None:
    if job.state in _ENDED:
        return 0
    try:
        place = _place(store, job, seat)
        if job.end_us is None:
            return store.lag_us(seat.shard, place)
        if place >= store.cursor_of(seat.shard, job.end_us):
            return 0
        # Logs behind the end are none of the job's.
        return min(store.lag_us(seat.shard, place), max(0, job.end_us - store.time_of(seat.shard, place)))
    except NotFound as error:
        if error.code == "CursorExpired":
            return None
        if error.code == "ShardNotExist":
            return 0
        raise


def _place(store: ShardedStore, job: Job, seat: Seat) -> Cursor:
    """Where the job is in a shard, or will begin."""
    if seat.checkpoint is not None:
        return seat.checkpoint
    return BEGIN if job.start_us is None else store.cursor_of(seat.shard, job.start_us)
