"""Who leads a job in the ledger, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import reading
from transforms.connectors.sql_job_rows import JobKeeper, JobRow, find_job, seen, start
from transforms.connectors.sql_job_tables import job_change
from transforms.core.errors import CommitConflict
from transforms.jobs.job import Job, JobState, JobStateConflict
from transforms.jobs.ledger import Lead

__all__ = ["JobLeads"]

_LED = frozenset({JobState.STARTING, JobState.RUNNING, JobState.STOPPING, JobState.RESTARTING})
_STEPS: Mapping[JobState, frozenset[JobState]] = {
    JobState.STARTING: frozenset({JobState.RUNNING, JobState.FAILED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.FAILED}),
    JobState.STOPPING: frozenset({JobState.STOPPED}),
    JobState.RESTARTING: frozenset({JobState.STARTING}),
}


class JobLeads(JobKeeper):
    """The part of a `JobLedger` for schedulers."""

    def now_us(self) -> int:
        with reading(self._engine) as connection:
            return self._now_us(connection)

    def changes(self) -> int:
        with reading(self._engine) as connection:
            return int(connection.execute(sa.select(job_change.c.number)).scalar_one())

    def lead(self, project: str, name: str, scheduler: str, lease_seconds: float, *, external: bool = False) -> Lead | None:
        with reading(self._engine) as connection:
            row = seen(connection, find_job(connection, project, name), self._now_us(connection))
            if not _may_lead(row, scheduler, external):
                return None  # without the lock, which others need
        with self._step("lead", project, name) as step:
            row = step.settled()
            if not _may_lead(row, scheduler, external):
                return None
            row.lead_number, row.leader = row.lead_number + 1, scheduler
            row.lease_us = step.now_us + _lease_us(lease_seconds)
            step.changed = True
            return Lead(row.job, row.lead_number, scheduler, row.lease_us)

    def renew(self, lead: Lead, lease_seconds: float) -> Lead:
        with self._step("renew", lead.job.project, lead.job.name) as step:
            row = _held(step.row, lead)
            row.lease_us = max(row.lease_us, step.now_us + _lease_us(lease_seconds))
            return Lead(row.job, lead.number, lead.scheduler, row.lease_us)

    def release(self, lead: Lead) -> None:
        with self._step("release", lead.job.project, lead.job.name) as step:
            if _holds(step.row, lead):
                step.row.free()
                step.changed = True

    def settle(self, lead: Lead, state: JobState, reason: str = "") -> Job:
        with self._step("settle", lead.job.project, lead.job.name) as step:
            row = step.row
            if row.state == state and (row.id, row.lead_number) == (lead.job.id, lead.number):
                return row.job
            _held(row, lead)
            if state not in _STEPS.get(JobState(row.state), ()):
                raise JobStateConflict(f"the job {row.name!r} is {row.state} and cannot become {state}", hint="look at it anew")
            if state == JobState.STARTING:
                external = bool(row.external)
                start(step.connection, row, step.now_us)
                if bool(row.external) != external:
                    row.free()  # the new definition wants the other kind of leader
            else:
                row.state, row.reason = state, reason
            if state not in _LED:
                row.ended_us = max(step.now_us, row.started_us)
                row.free()
            step.changed = True
            return row.job


def _may_lead(row: JobRow, scheduler: str, external: bool) -> bool:
    return row.state in _LED and bool(row.external) == external and (not row.lease_us or row.leader == scheduler)


def _holds(row: JobRow, lead: Lead) -> bool:
    return (row.id, row.lead_number) == (lead.job.id, lead.number) and row.lease_us != 0


def _held(row: JobRow, lead: Lead) -> JobRow:
    if not _holds(row, lead):
        raise CommitConflict(
            f"the job {row.name!r} is led by {row.leader or 'nobody'} now", hint="end its instances that are yours", code="LeadLost"
        )
    return row


def _lease_us(seconds: float) -> int:
    return max(1, round(seconds * 1_000_000))
