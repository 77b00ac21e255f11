"""Rows of the ledger of jobs: one transaction holds a job's row. Locks are taken in one order, so that nobody waits in a circle:
projects, the job, its consumer group, the number of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import writing
from transforms.connectors.sql_consumer_group_rows import Where, database_now_us, live_consumers
from transforms.connectors.sql_job_tables import job, job_change, job_version
from transforms.connectors.sql_schedule_rows import find_project
from transforms.core.durable import durable
from transforms.core.errors import NotFound
from transforms.core.suggest import suggestion
from transforms.jobs.job import Job, JobState, group_of

__all__ = ["JobKeeper", "JobRow", "JobStep", "bump", "find_job", "find_jobs", "find_readers", "seen", "start"]


@dataclass
class JobRow:
    """A row of ``job``; nobody leads it while ``lease_us`` is 0."""

    project: str
    name: str
    id: str
    source_project: str
    source_logstore: str
    version: int
    running_version: int
    generation: int
    state: str
    reason: str
    start_us: int | None
    end_us: int | None
    created_us: int
    modified_us: int
    started_us: int
    ended_us: int
    lead_number: int
    leader: str
    lease_us: int
    external: bool

    @property
    def group(self) -> Where:
        """Of its generation."""
        return self.source_project, self.source_logstore, group_of(self.id, self.generation)

    @property
    def job(self) -> Job:
        return Job(
            self.project, self.name, self.id, (self.source_project, self.source_logstore), self.version, self.running_version,
            self.generation, JobState(self.state), self.reason, self.start_us, self.end_us, self.created_us, self.modified_us,
            self.started_us, self.ended_us, self.leader, self.lease_us, bool(self.external),
        )  # fmt: skip

    def free(self) -> None:
        """Nobody leads it any more."""
        self.leader, self.lease_us = "", 0


_COLUMNS = tuple(job.c[field.name] for field in fields(JobRow))


@dataclass
class JobStep:
    """What one transaction knows and changes of one job."""

    connection: sa.Connection
    row: JobRow
    now_us: int
    changed: bool = False

    def settled(self) -> JobRow:
        """As `seen`, and kept so."""
        before = self.row.state, self.row.lease_us
        seen(self.connection, self.row, self.now_us)
        self.changed |= before != (self.row.state, self.row.lease_us)
        return self.row


class JobKeeper:
    """The database and its clock."""

    def __init__(self, engine: sa.Engine, now_us: Callable[[sa.Connection], int] = database_now_us) -> None:
        self._engine = engine
        self._now_us = now_us

    @contextmanager
    def _writing(self, verb: str) -> Iterator[sa.Connection]:
        with durable(f"job.{verb}"), writing(self._engine) as connection:
            yield connection

    @contextmanager
    def _step(self, verb: str, project: str, name: str) -> Iterator[JobStep]:
        """One transaction that holds the job's row."""
        with self._writing(verb) as connection, self._step_in(connection, project, name) as step:
            yield step

    @contextmanager
    def _step_in(self, connection: sa.Connection, project: str, name: str) -> Iterator[JobStep]:
        row = find_job(connection, project, name, lock=True)
        before = asdict(row)
        step = JobStep(connection, row, self._now_us(connection))
        yield step
        changes = {name: value for name, value in asdict(row).items() if before[name] != value}
        if changes:
            connection.execute(job.update().where(job.c.id == row.id).values(**changes))
        if step.changed:
            bump(connection)


def bump(connection: sa.Connection) -> None:
    """Something of a job changed. Last in its transaction: all others wait for the row that counts."""
    connection.execute(job_change.update().values(number=job_change.c.number + 1))


def find_job(connection: sa.Connection, project: str, name: str, *, lock: bool = False) -> JobRow:
    """A job's row. Raises NotFound with the nearest name."""
    query = sa.select(*_COLUMNS).where(job.c.project == project, job.c.name == name)
    found = connection.execute(query.with_for_update() if lock else query).first()
    if found is None:
        find_project(connection, project)
        known = connection.execute(sa.select(job.c.name).where(job.c.project == project)).scalars()
        raise NotFound(f"there is no job {name!r} in the project {project!r}", hint=suggestion(name, known, "job"), code="JobNotExist")
    return JobRow(**found._mapping)


def find_jobs(connection: sa.Connection, project: str) -> list[JobRow]:
    """All of a project, by name."""
    found = connection.execute(sa.select(*_COLUMNS).where(job.c.project == project)).all()
    return sorted((JobRow(**row._mapping) for row in found), key=lambda row: row.name)


def find_readers(connection: sa.Connection, project: str, logstore: str) -> list[JobRow]:
    """All that read a Logstore, by project and name."""
    of_store = (job.c.source_project == project, job.c.source_logstore == logstore)
    found = connection.execute(sa.select(*_COLUMNS).where(*of_store)).all()
    return sorted((JobRow(**row._mapping) for row in found), key=lambda row: (row.project, row.name))


def seen(connection: sa.Connection, row: JobRow, now_us: int) -> JobRow:
    """The row with what time alone has brought about: a lead ran out, and what was being ended without anybody leading it has ended."""
    if row.lease_us and row.lease_us <= now_us:
        row.free()
    if row.lease_us or row.state not in (JobState.STOPPING, JobState.RESTARTING):
        return row
    if not live_consumers(connection, row.group, now_us):
        if row.state == JobState.STOPPING:
            row.state, row.ended_us = JobState.STOPPED, max(now_us, row.started_us)
        else:
            start(connection, row, now_us)
    return row


def start(connection: sa.Connection, row: JobRow, now_us: int) -> None:
    """By the newest version."""
    of_version = sa.select(job_version.c.end_us, job_version.c.external).where(
        job_version.c.job_id == row.id, job_version.c.version == row.version
    )
    newest: Any = connection.execute(of_version).one()
    row.end_us, row.external, row.running_version = newest.end_us, bool(newest.external), row.version
    row.state, row.reason, row.ended_us = JobState.STARTING, "", 0
    row.started_us = max(now_us, row.started_us + 1)  # each start has a moment of its own: slices are begun for one start alone
