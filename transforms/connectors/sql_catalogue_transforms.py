"""The ledger of transformation jobs in the catalogue: `transforms.stores.transform_ledger` as rows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_schema import transform_run
from transforms.core.errors import CommitConflict, NotFound
from transforms.core.interval import Interval
from transforms.stores.transform_ledger import TransformRun

__all__ = ["every", "jobs", "record", "start"]


def start(connection: sa.Connection, project: str, run: TransformRun, finished: int | None = None) -> TransformRun:
    """A new run with the job's next number; runs that are still running have failed from then on.

    Raises CommitConflict while an earlier run is committing (that one is finished first), and when not ``finished`` runs have finished,
    because the new one was planned before another did.
    """
    earlier = every(connection, project, run.job)
    committing = [one for one in earlier if one.state == "committing"]
    if committing:
        raise CommitConflict(
            f"run {committing[0].number} of the job {run.job!r} is committing",
            hint="start the job again: it finishes that run first",
            code="TransformCommitting",
        )
    if finished is not None and finished != sum(one.state == "finished" for one in earlier):
        raise CommitConflict(
            f"another run of the job {run.job!r} has finished since this one was planned",
            hint="start the job again: it plans anew",
            code="TransformPlanOutdated",
        )
    numbered = dataclasses.replace(run, number=max((one.number for one in earlier), default=0) + 1)
    for one in earlier:
        if one.state == "running":
            # Killed, or too slow: it cannot commit any more.
            given_up = {"error": f"run {numbered.number} took over"}
            _store(connection, project, dataclasses.replace(one, state="failed", ended_us=run.started_us, summary=given_up))
    connection.execute(transform_run.insert().values(project=project, job=run.job, number=numbered.number, **_values(numbered)))
    return numbered


def record(connection: sa.Connection, project: str, run: TransformRun) -> None:
    """Store how far a run is; one that has finished or failed stays as it is, if the same is told again.

    Raises CommitConflict when a newer run of the job took over, NotFound for an unknown run.
    """
    runs = {one.number: one for one in every(connection, project, run.job)}
    stored = runs.get(run.number)
    if stored is None:
        raise NotFound(f"run {run.number} of the job {run.job!r} is not in the ledger", code="TransformRunNotExist")
    if stored == run or (stored.state == run.state and run.state in ("finished", "failed")):
        return  # two launchers may roll the same intent forward
    taken_over = run.state == "committing" and max(runs) > run.number
    backwards = stored.state in ("finished", "failed") or (stored.state == "committing" and run.state in ("running", "failed"))
    if taken_over or backwards:
        raise CommitConflict(
            f"a newer run of the job {run.job!r} took over from run {run.number}",
            hint="nothing of this run became visible; let the newer one finish",
            code="TransformTakenOver",
        )
    _store(connection, project, run)


def _store(connection: sa.Connection, project: str, run: TransformRun) -> None:
    connection.execute(
        transform_run.update()
        .where(transform_run.c.project == project, transform_run.c.job == run.job, transform_run.c.number == run.number)
        .values(**_values(run))
    )


def every(connection: sa.Connection, project: str, job: str) -> Sequence[TransformRun]:
    """All runs of a job, oldest first."""
    rows = connection.execute(
        sa.select(transform_run).where(transform_run.c.project == project, transform_run.c.job == job).order_by(transform_run.c.number)
    )
    return tuple(_of_row(row) for row in rows)


def jobs(connection: sa.Connection, project: str) -> Sequence[str]:
    """Names of all jobs that ever ran, sorted."""
    rows = connection.execute(
        sa.select(transform_run.c.job).where(transform_run.c.project == project).distinct().order_by(transform_run.c.job)
    )
    return tuple(row.job for row in rows)


def _values(run: TransformRun) -> dict[str, Any]:
    return {
        "state": run.state,
        "pieces": json.dumps([[piece.start, piece.end] for piece in run.pieces]),
        "rule": run.rule,
        "reason": run.reason,
        "started_us": run.started_us,
        "ended_us": run.ended_us,
        "intent": json.dumps(dict(run.intent)),
        "summary": json.dumps(dict(run.summary)),
    }


def _of_row(row: Any) -> TransformRun:
    pieces = tuple(Interval(start, end) for start, end in json.loads(row.pieces))
    return TransformRun(
        row.job,
        row.number,
        row.state,
        pieces,
        row.rule,
        row.reason,
        row.started_us,
        row.ended_us,
        json.loads(row.intent),
        json.loads(row.summary),
    )
