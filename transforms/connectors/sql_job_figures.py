"""What was committed of a job, minute by minute; minutes older than two days are one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import reading
from transforms.connectors.sql_catalogue_upsert import Upsert
from transforms.connectors.sql_job_rows import JobKeeper
from transforms.connectors.sql_job_tables import job_figure
from transforms.jobs.job import Job
from transforms.jobs.ledger import MinuteFigures
from transforms.stores.slice import SliceCounts

__all__ = ["MINUTE_US", "JobFigures", "add_figures", "fold_figures"]

MINUTE_US = 60_000_000
_KEPT_US = 2 * 24 * 60 * MINUTE_US
_COUNTED = ("logs_read", "delivered", "dropped", "dead")


class JobFigures(JobKeeper):
    """The part of a `JobLedger` about figures."""

    def figures(self, job: Job, since_us: int) -> Sequence[MinuteFigures]:
        rows = sa.select(job_figure).where(*_of(job.id, job.generation), job_figure.c.minute_us >= max(1, since_us))
        with reading(self._engine) as connection:
            found = connection.execute(rows.order_by(job_figure.c.minute_us, job_figure.c.shard)).all()
        return tuple(MinuteFigures(row.minute_us, row.shard, _counts(row)) for row in found)

    def totals(self, job: Job) -> Mapping[int, SliceCounts]:
        sums = [sa.func.sum(job_figure.c[name]).label(name) for name in _COUNTED]
        rows = sa.select(job_figure.c.shard, *sums).where(*_of(job.id, job.generation)).group_by(job_figure.c.shard)
        with reading(self._engine) as connection:
            found = connection.execute(rows.order_by(job_figure.c.shard)).all()
        return {row.shard: _counts(row) for row in found}


def add_figures(connection: sa.Connection, job_id: str, generation: int, minute_us: int, counts: Mapping[int, SliceCounts]) -> None:
    """Add counts by shard to a minute, under the lock of the generation's group."""
    place = {"job_id": job_id, "generation": generation, "minute_us": minute_us}
    rows = [{**place, "shard": shard, **_values(each)} for shard, each in sorted(counts.items())]
    _add(connection, rows)


def fold_figures(connection: sa.Connection, job_id: str, generation: int, now_us: int) -> None:
    """Make one of the minutes that are kept one by one no more."""
    old = (*_of(job_id, generation), job_figure.c.minute_us > 0, job_figure.c.minute_us < now_us - _KEPT_US)
    sums = [sa.func.sum(job_figure.c[name]).label(name) for name in _COUNTED]
    found = connection.execute(sa.select(job_figure.c.shard, *sums).where(*old).group_by(job_figure.c.shard)).all()
    if found:
        add_figures(connection, job_id, generation, 0, {row.shard: _counts(row) for row in found})
        connection.execute(job_figure.delete().where(*old))


def _of(job_id: str, generation: int) -> tuple[sa.ColumnElement[bool], ...]:
    return job_figure.c.job_id == job_id, job_figure.c.generation == generation


def _counts(row: Any) -> SliceCounts:
    return SliceCounts(*(int(row._mapping[name]) for name in _COUNTED))


def _values(counts: SliceCounts) -> dict[str, int]:
    return {"logs_read": counts.read, "delivered": counts.delivered, "dropped": counts.dropped, "dead": counts.dead}


_add = Upsert(job_figure, lambda there, given: there + given)
