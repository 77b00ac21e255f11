"""The import ledger: which import of a Logstore got how far, and under which lane's app id it commits.

A lane is held by one unfinished run at a time. Its version outlives the run, so that the next run's commits are newer than
all commits made under that app id before.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_schema import import_lane, import_run
from transforms.core.errors import CommitConflict, NotFound, ParameterInvalid
from transforms.stores.catalogue import ImportRun

__all__ = ["every", "forget", "record", "start"]


def start(connection: sa.Connection, project: str, logstore: str, import_id: str) -> ImportRun:
    """The run of this id; a new one takes the lowest free lane and begins at that lane's version."""
    if not 0 < len(import_id) <= 128:
        raise ParameterInvalid("an import's id has 1 to 128 characters")
    found = _run(connection, project, logstore, import_id)
    if found is not None:
        return found
    lanes = connection.execute(
        sa.select(import_lane).where(import_lane.c.project == project, import_lane.c.logstore == logstore).order_by(import_lane.c.lane)
    ).all()
    free = next((lane for lane in lanes if lane.run is None), None)
    if free is None:
        number, version = len(lanes), 0
        connection.execute(import_lane.insert().values(project=project, logstore=logstore, lane=number, version=0, run=import_id))
    else:
        number, version = free.lane, free.version
        connection.execute(import_lane.update().where(*_lane_is(project, logstore, number)).values(run=import_id))
    run = ImportRun(import_id, logstore, number, version, {}, {}, False, {})
    connection.execute(import_run.insert().values(project=project, logstore=logstore, id=import_id, lane=number, **_values(run)))
    return run


def record(connection: sa.Connection, project: str, run: ImportRun) -> None:
    """Store an intent or the end of a run.

    Raises NotFound when the run was forgotten, CommitConflict when another process went further with the same run: of two
    intents with one version only the first holds, since its batch may be committed already.
    """
    stored = _run(connection, project, run.logstore, run.id)
    if stored is None:
        raise NotFound(
            f"the import {run.id!r} of {run.logstore!r} is not in the ledger",
            hint="it was forgotten: start it again",
            code="ImportNotExist",
        )
    if stored == run:
        return
    recorded = bool(stored.start or stored.end)
    other_intent = run.version == stored.version and recorded and not run.finished and (run.start, run.end) != (stored.start, stored.end)
    if stored.finished or run.version < stored.version or run.lane != stored.lane or other_intent:
        raise CommitConflict(
            f"another process runs the import {run.id!r} of {run.logstore!r} and is ahead of this one",
            hint="let it finish; nothing was lost or doubled",
        )
    connection.execute(
        import_run.update()
        .where(import_run.c.project == project, import_run.c.logstore == run.logstore, import_run.c.id == run.id)
        .values(_values(run))
    )
    connection.execute(
        import_lane.update()
        .where(*_lane_is(project, run.logstore, run.lane))
        .values(version=run.version, run=None if run.finished else run.id)
    )


def forget(connection: sa.Connection, project: str, logstore: str, import_id: str) -> None:
    """Drop a run and free its lane, whose version stays. Raises NotFound for an unknown run."""
    stored = _run(connection, project, logstore, import_id)
    if stored is None:
        raise NotFound(f"the import {import_id!r} of {logstore!r} is not in the ledger", code="ImportNotExist")
    connection.execute(
        import_run.delete().where(import_run.c.project == project, import_run.c.logstore == logstore, import_run.c.id == import_id)
    )
    connection.execute(
        import_lane.update().where(*_lane_is(project, logstore, stored.lane), import_lane.c.run == import_id).values(run=None)
    )


def every(connection: sa.Connection, project: str, logstore: str) -> Sequence[ImportRun]:
    """All runs of a Logstore, by id."""
    rows = connection.execute(
        sa.select(import_run).where(import_run.c.project == project, import_run.c.logstore == logstore).order_by(import_run.c.id)
    )
    return tuple(_of_row(row) for row in rows)


def _run(connection: sa.Connection, project: str, logstore: str, import_id: str) -> ImportRun | None:
    row = connection.execute(
        sa.select(import_run).where(import_run.c.project == project, import_run.c.logstore == logstore, import_run.c.id == import_id)
    ).first()
    return None if row is None else _of_row(row)


def _of_row(row: Any) -> ImportRun:
    return ImportRun(
        row.id, row.logstore, row.lane, row.version,
        json.loads(row.position_start), json.loads(row.position_end), bool(row.finished), json.loads(row.summary),
    )  # fmt: skip


def _values(run: ImportRun) -> dict[str, Any]:
    return {
        "version": run.version,
        "position_start": json.dumps(dict(run.start)),
        "position_end": json.dumps(dict(run.end)),
        "finished": run.finished,
        "summary": json.dumps(dict(run.summary)),
    }


def _lane_is(project: str, logstore: str, lane: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (import_lane.c.project == project, import_lane.c.logstore == logstore, import_lane.c.lane == lane)
