"""The ledger of continuous jobs in the catalogue's database. Adapter of `transforms.jobs.ledger`.

Each method is one transaction under the job's row lock, those of slices under that of the job's consumer group (SQLite: the whole file's).
Time is the database's own, asked for once the lock is held, so that machines need no clocks that agree.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import failures_in_words, make_engine
from transforms.connectors.sql_catalogue_schema import migrate
from transforms.connectors.sql_consumer_group_rows import database_now_us
from transforms.connectors.sql_job_acts import JobActs
from transforms.connectors.sql_job_figures import JobFigures
from transforms.connectors.sql_job_leads import JobLeads
from transforms.connectors.sql_job_slices import SqlSliceLedger
from transforms.jobs.job import Job
from transforms.stores.consumer_group import ShardExtents

__all__ = ["ExtentsOf", "SqlJobLedger", "open_sql_job_ledger"]

ExtentsOf = Callable[[str, str], Callable[[], ShardExtents]]
"""Project and Logstore → what tells the Logstore's shards as they are now."""


class SqlJobLedger(JobActs, JobLeads, JobFigures):
    """A `JobLedger` in a database with the newest tables."""

    def __init__(self, engine: sa.Engine, extents_of: ExtentsOf, now_us: Callable[[sa.Connection], int] = database_now_us) -> None:
        super().__init__(engine, now_us)
        self._extents_of = extents_of

    def slices(self, job: Job) -> SqlSliceLedger:
        return SqlSliceLedger(self._engine, job, self._extents_of(*job.source), self._now_us)

    def close(self) -> None:
        self._engine.dispose()


def open_sql_job_ledger(where: str | Path, extents_of: ExtentsOf) -> SqlJobLedger:
    """Open the ledger of a catalogue by URL or by the path of its SQLite file; its tables are made or migrated.

    Errors as in `make_engine` and `migrate`.
    """
    engine = make_engine(where)
    with failures_in_words(engine):
        migrate(engine)
    return SqlJobLedger(engine, extents_of)
