"""Tasks in the ledger of scheduled SQL, and the versions of their configurations."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from transforms.connectors.sql_catalogue_engine import reading, writing
from transforms.connectors.sql_catalogue_schema import (
    schedule_backfill,
    schedule_change,
    schedule_instance,
    schedule_task,
    schedule_version,
)
from transforms.connectors.sql_job_tables import job
from transforms.connectors.sql_schedule_rows import Keeper, TaskRow, bump, find_project, find_task, load_progress
from transforms.core.errors import AlreadyExists, ParameterInvalid
from transforms.schedule.instance import StateConflict
from transforms.schedule.ledger import TaskEntry
from transforms.schedule.plan import Progress
from transforms.schedule.task import Task
from transforms.schedule.task_config import READ_ONLY, read_task
from transforms.schedule.task_edit import check_edit

__all__ = ["TaskRows"]


class TaskRows(Keeper):
    """The part of a `ScheduleLedger` about tasks."""

    def create_task(self, task: Task, *, enabled: bool = True) -> TaskEntry:
        document = _document(task)
        with writing(self._engine) as connection:
            find_project(connection, task.project, lock=True)  # a project that is being deleted gets no task
            jobs = sa.select(job.c.name).where(job.c.project == task.project, job.c.name == task.name)
            if connection.execute(jobs).first() is not None:
                raise AlreadyExists(
                    f"there is a job {task.name!r} in the project {task.project!r} already",
                    hint="tasks and jobs share their names: choose another one",
                    code="JobAlreadyExist",
                )
            now_us = self._now_us(connection)
            row = TaskRow(task.project, task.name, uuid.uuid4().hex, 1, enabled, now_us, now_us, now_us)
            try:
                connection.execute(schedule_task.insert().values(**asdict(row)))
            except IntegrityError:
                raise AlreadyExists(
                    f"there is a task {task.name!r} in the project {task.project!r} already",
                    hint="change it with `task update`, or choose another name",
                    code="JobAlreadyExist",
                ) from None
            connection.execute(schedule_version.insert().values(schedule_id=row.schedule_id, version=1, document=document))
            bump(connection, row.schedule_id)
            return self._entry(connection, row)

    def task(self, project: str, name: str) -> TaskEntry:
        with reading(self._engine) as connection:
            return self._entry(connection, find_task(connection, project, name))

    def list_tasks(self, project: str) -> Sequence[TaskEntry]:
        columns = [schedule_task.c[name] for name in asdict(TaskRow("", "", "", 0, False, 0, 0, 0))]
        with reading(self._engine) as connection:
            find_project(connection, project)
            found = connection.execute(sa.select(*columns).where(schedule_task.c.project == project)).all()
            entries = [self._entry(connection, TaskRow(**row._mapping)) for row in found]
        return tuple(sorted(entries, key=lambda entry: entry.task.name))

    def update_task(self, task: Task) -> TaskEntry:
        document = _document(task)
        with self._step(task.project, task.name) as step:
            row, before = step.row, step.task
            if _document(before) != document:
                check_edit(before, task, row.last)
                row.version += 1
                row.modified_us = max(step.now_us, row.modified_us)
                values = {"schedule_id": row.schedule_id, "version": row.version, "document": document}
                step.connection.execute(schedule_version.insert().values(**values))
                step.changed = True
            return step.entry()

    def set_enabled(self, project: str, name: str, enabled: bool) -> TaskEntry:
        with self._step(project, name) as step:
            if step.row.enabled != enabled:
                step.row.enabled = enabled
                step.row.modified_us = max(step.now_us, step.row.modified_us)
                step.changed = True
            return step.entry()

    def delete_task(self, project: str, name: str) -> None:
        with self._step(project, name) as step:
            row = step.row
            if row.held and row.turn_lease_us > step.now_us:
                raise StateConflict(
                    f"the task {name!r} is running", hint="disable it and wait, or cancel what is running with `instance cancel`"
                )
            of_task = {"schedule_id": row.schedule_id}
            for table in (schedule_instance, schedule_backfill, schedule_version, schedule_task):
                step.connection.execute(table.delete().filter_by(**of_task))
            step.changed = True

    def progress(self, project: str, name: str) -> Progress:
        with reading(self._engine) as connection:
            return load_progress(connection, find_task(connection, project, name))

    def changes(self) -> int:
        with reading(self._engine) as connection:
            return int(connection.execute(sa.select(schedule_change.c.number)).scalar_one())

    def changed_tasks(self, since: int) -> Sequence[tuple[str, str]]:
        columns = (schedule_task.c.project, schedule_task.c.name)
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(*columns).where(schedule_task.c.changed > since).order_by(*columns))
            return tuple((row.project, row.name) for row in found)

    def now_us(self) -> int:
        with reading(self._engine) as connection:
            return self._now_us(connection)

    def close(self) -> None:
        self._engine.dispose()


def _document(task: Task) -> str:
    """The configuration as it is kept. Raises ParameterInvalid for a task that its own document does not describe."""
    document: Mapping[str, Any] = {key: value for key, value in task.document.items() if key not in READ_ONLY}
    if read_task(document, task.project) != task:
        raise ParameterInvalid(f"the task {task.name!r} is not what its document says", hint="make it with `read_task`")
    return json.dumps(document, ensure_ascii=False)
