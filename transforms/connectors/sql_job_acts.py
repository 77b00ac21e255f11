"""What people do to jobs in the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import reading
from transforms.connectors.sql_catalogue_schema import schedule_task
from transforms.connectors.sql_consumer_group_rows import insert_group, live_consumers, lock_group, lock_logstore, remove_group
from transforms.connectors.sql_job_rows import JobKeeper, JobRow, JobStep, bump, find_job, find_jobs, find_readers, seen, start
from transforms.connectors.sql_job_tables import job, job_figure, job_lane, job_version
from transforms.connectors.sql_schedule_rows import find_project
from transforms.core.errors import AlreadyExists, CommitConflict, NotFound, ParameterInvalid, UserError
from transforms.jobs.job import GROUP_TIMEOUT_S, MOST_JOBS, Job, JobState, check_action
from transforms.jobs.ledger import NewJob
from transforms.stores.consumer_group import ConsumerGroup

__all__ = ["JobActs"]


class JobActs(JobKeeper):
    """The part of a `JobLedger` for people."""

    def create(self, new: NewJob, *, start: bool = True) -> Job:
        with self._writing("create") as connection:
            _lock_projects(connection, new)
            _check_name(connection, new)
            now_us = self._now_us(connection)
            row = JobRow(
                new.project, new.name, uuid.uuid4().hex, *new.source, 1, 1 if start else 0, 1,
                JobState.STARTING if start else JobState.STOPPED, "", new.start_us, new.end_us, now_us, now_us, now_us if start else 0, 0,
                0, "", 0, new.external,
            )  # fmt: skip
            connection.execute(job.insert().values(**vars(row)))
            _insert_version(connection, row, new)
            _insert_group(connection, row)
            bump(connection)
            return row.job

    def job(self, project: str, name: str) -> Job:
        with reading(self._engine) as connection:
            return seen(connection, find_job(connection, project, name), self._now_us(connection)).job

    def jobs(self, project: str) -> Sequence[Job]:
        with reading(self._engine) as connection:
            find_project(connection, project)
            rows, now_us = find_jobs(connection, project), self._now_us(connection)
            return tuple(seen(connection, row, now_us).job for row in rows)

    def readers(self, project: str, logstore: str) -> Sequence[Job]:
        with reading(self._engine) as connection:
            rows, now_us = find_readers(connection, project, logstore), self._now_us(connection)
            return tuple(seen(connection, row, now_us).job for row in rows)

    def definition(self, job: Job, version: int) -> str:
        with reading(self._engine) as connection:
            found = self._definition(connection, job.id, version)
            if found is None:
                find_job(connection, job.project, job.name)
                raise NotFound(f"the job {job.name!r} has no version {version}", hint="look at the job anew", code="JobNotExist")
            return found

    def _definition(self, connection: sa.Connection, job_id: str, version: int) -> str | None:
        of_version = (job_version.c.job_id == job_id, job_version.c.version == version)
        return connection.execute(sa.select(job_version.c.definition).where(*of_version)).scalar()

    def edit(self, new: NewJob) -> Job:
        with self._step("edit", new.project, new.name) as step:
            row = step.settled()
            check_action(row.job, "edit")
            if self._definition(step.connection, row.id, row.version) == new.definition:
                return row.job
            if new.source != (row.source_project, row.source_logstore) or new.start_us != row.start_us:
                raise ParameterInvalid(
                    f"the job {row.name!r} cannot read from another {'place' if new.source == row.job.source else 'Logstore'} on",
                    hint="`logsluice job rerun` takes another source or start, and begins there anew",
                    code="JobRangeChanged",
                )
            _new_version(step, new)
            return row.job

    def act(self, project: str, name: str, action: Literal["start", "stop", "restart", "rerun"], new: NewJob | None = None) -> Job:
        if new is not None and (action, new.project, new.name) != ("rerun", project, name):
            raise ParameterInvalid("only a rerun of the same job takes a new definition", hint="edit the job, and start it anew")
        with self._writing(action) as connection:
            locked = new or _as_it_is(find_job(connection, project, name))
            if action == "rerun":
                _lock_projects(connection, locked)
            with self._step_in(connection, project, name) as step:
                row = step.settled()
                if new is None and row.job.source != locked.source:
                    raise CommitConflict(f"the job {name!r} was changed meanwhile", hint="do it again", code="JobChanged")
                check_action(row.job, action)
                # Under the group's lock nobody begins a slice, or joins, between the look at the state and its change.
                _lock_group(connection, row, needed=action != "rerun")
                lives = bool(row.lease_us or live_consumers(connection, row.group, step.now_us))
                step.changed = True
                if action == "stop":
                    row.state = JobState.STOPPING if lives else JobState.STOPPED
                    row.ended_us = 0 if lives else step.now_us
                    return row.job
                if action == "rerun":
                    _next_generation(step, new)
                if lives and action != "start":
                    row.state, row.reason = JobState.RESTARTING, ""
                else:
                    start(connection, row, step.now_us)
                return row.job

    def delete(self, project: str, name: str) -> None:
        with self._writing("delete") as connection:
            row = find_job(connection, project, name, lock=True)
            _lock_group(connection, row, needed=False)
            remove_group(connection, row.group)
            for table in (job_lane, job_figure, job_version):
                connection.execute(table.delete().where(table.c.job_id == row.id))
            connection.execute(job.delete().where(job.c.id == row.id))
            bump(connection)


def _lock_projects(connection: sa.Connection, new: NewJob) -> None:
    """The job's project and its source stay until the transaction ends."""
    for project in sorted({new.project, new.source[0]}):
        find_project(connection, project, lock=True)
    lock_logstore(connection, *new.source)


def _lock_group(connection: sa.Connection, row: JobRow, *, needed: bool) -> None:
    """The group of the job's generation. Somebody may have deleted it, by hand or from a program: the job must not be stuck for that."""
    try:
        lock_group(connection, row.group)
    except NotFound:
        if needed:
            raise NotFound(
                f"the consumer group of the job {row.name!r} is gone, and with it where the job was",
                hint=f"`logsluice job rerun {row.name}` begins anew",
                code="ConsumerGroupNotExist",
            ) from None


def _check_name(connection: sa.Connection, new: NewJob) -> None:
    jobs = set(connection.execute(sa.select(job.c.name).where(job.c.project == new.project)).scalars())
    task = sa.select(schedule_task.c.name).where(schedule_task.c.project == new.project, schedule_task.c.name == new.name)
    is_task = connection.execute(task).first() is not None
    if is_task or new.name in jobs:
        raise AlreadyExists(
            f"there is a {'task' if is_task else 'job'} {new.name!r} in the project {new.project!r} already",
            hint="tasks and jobs share their names: choose another one" if is_task else "change it with `logsluice job edit`",
            code="JobAlreadyExist",
        )
    if len(jobs) >= MOST_JOBS:
        raise UserError(f"a project has at most {MOST_JOBS} jobs", hint="delete one that nobody needs", code="JobQuotaExceed")


def _insert_version(connection: sa.Connection, row: JobRow, new: NewJob) -> None:
    values = {"definition": new.definition, "start_us": new.start_us, "end_us": new.end_us, "external": new.external}
    connection.execute(job_version.insert().values(job_id=row.id, version=row.version, **values))


def _insert_group(connection: sa.Connection, row: JobRow) -> None:
    insert_group(connection, row.group, ConsumerGroup(row.group[2], GROUP_TIMEOUT_S, order=True))


def _as_it_is(row: JobRow) -> NewJob:
    return NewJob(row.project, row.name, row.job.source, "")


def _new_version(step: JobStep, new: NewJob) -> None:
    """Unless it says the same."""
    row, of_job = step.row, job_version.c.job_id == step.row.id
    values = (new.definition, new.start_us, new.end_us, new.external)
    newest = sa.select(job_version.c.definition, job_version.c.start_us, job_version.c.end_us, job_version.c.external)
    if tuple(step.connection.execute(newest.where(of_job, job_version.c.version == row.version)).one()) != values:
        row.version += 1
        row.modified_us = max(step.now_us, row.modified_us)
        _insert_version(step.connection, row, new)
        step.changed = True


def _next_generation(step: JobStep, new: NewJob | None) -> None:
    """From here on the old one's slices are refused: its group is gone."""
    row, connection = step.row, step.connection
    remove_group(connection, row.group)
    for table in (job_lane, job_figure):
        connection.execute(table.delete().where(table.c.job_id == row.id))
    if new is not None:
        row.source_project, row.source_logstore = new.source
        _new_version(step, new)
    of_version = (job_version.c.job_id == row.id, job_version.c.version == row.version)
    row.start_us = connection.execute(sa.select(job_version.c.start_us).where(*of_version)).scalar()
    row.generation += 1
    _insert_group(connection, row)
