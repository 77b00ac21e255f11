"""Rows of the ledger of scheduled SQL: one transaction holds a task's row, and with it all that the task has.

A `Step` is such a transaction. What is asked of it is as new as the lock; what was changed in it is written when it ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import writing
from transforms.connectors.sql_catalogue_schema import project, schedule_change, schedule_instance, schedule_task, schedule_version
from transforms.connectors.sql_consumer_groups import database_now_us
from transforms.core.errors import NotFound
from transforms.core.suggest import suggestion
from transforms.schedule.instance_record import instance_of, record_of
from transforms.schedule.ledger import InstanceEntry, LateLogsSeen, Outcome, TaskEntry
from transforms.schedule.plan import Progress
from transforms.schedule.task import Task
from transforms.schedule.task_config import read_task

__all__ = ["Keeper", "Step", "TaskRow", "bump", "entry_of_row", "find_project", "find_task", "load_progress"]

_MOST_PARSED = 20_000
_MANY = 500


@dataclass
class TaskRow:
    """A row of ``schedule_task``. The turn is free while ``turn_lease_us`` is 0."""

    project: str
    name: str
    schedule_id: str
    version: int
    enabled: bool
    created_us: int
    modified_us: int
    free_us: int
    first: int | None = None
    last: int | None = None
    forgotten_before: int | None = None
    turn: int = 0
    turn_worker: str = ""
    turn_lease_us: int = 0
    turn_began_us: int = 0
    turn_time: int | None = None
    turn_backfill: int | None = None

    @property
    def held(self) -> bool:
        """Whether somebody has the turn."""
        return self.turn_lease_us != 0

    def free(self, now_us: int) -> None:
        """The turn is given back, or taken away. What kind it was stays known."""
        self.turn_lease_us, self.turn_worker, self.turn_time = 0, "", None
        self.free_us = max(self.free_us, now_us)


_TASK_COLUMNS = tuple(field.name for field in fields(TaskRow))


class Keeper:
    """The database, its clock, and the configurations that were read from it."""

    def __init__(self, engine: sa.Engine, now_us: Callable[[sa.Connection], int] = database_now_us) -> None:
        self._engine = engine
        self._now_us = now_us
        self._parsed: dict[tuple[str, int], Task] = {}

    @contextmanager
    def _step(self, project_name: str, name: str) -> Iterator[Step]:
        """One transaction that holds the task's row."""
        with writing(self._engine) as connection:
            row = find_task(connection, project_name, name, lock=True)
            step = Step(self, connection, row, self._now_us(connection))
            yield step
            step.flush()

    def _configuration(self, connection: sa.Connection, project_name: str, schedule_id: str, version: int) -> Task:
        key = (schedule_id, version)
        found = self._parsed.get(key)
        if found is None:
            at = (schedule_version.c.schedule_id == schedule_id, schedule_version.c.version == version)
            document = connection.execute(sa.select(schedule_version.c.document).where(*at)).scalar_one()
            if len(self._parsed) >= _MOST_PARSED:
                self._parsed.clear()
            found = self._parsed[key] = read_task(json.loads(document), project_name)
        return found

    def _entry(self, connection: sa.Connection, row: TaskRow, version: int | None = None) -> TaskEntry:
        """The task, with its configuration of now or of an earlier version."""
        number = row.version if version is None else version
        task = self._configuration(connection, row.project, row.schedule_id, number)
        return TaskEntry(task, row.schedule_id, number, row.created_us, row.modified_us, row.enabled)


class Step:
    """What one transaction knows and changes of one task."""

    def __init__(self, keeper: Keeper, connection: sa.Connection, row: TaskRow, now_us: int) -> None:
        self._keeper = keeper
        self.connection = connection
        self.row = row
        self.now_us = now_us
        self.changed = False
        self._before = asdict(row)

    def entry(self, version: int | None = None) -> TaskEntry:
        """The task, with its configuration of now or of an earlier version."""
        return self._keeper._entry(self.connection, self.row, version)

    @property
    def task(self) -> Task:
        """The configuration of now."""
        return self.entry().task

    def progress(self) -> Progress:
        """As it is in this transaction, what it changed included."""
        return load_progress(self.connection, self.row)

    def instance(self, schedule_time: int) -> InstanceEntry | None:
        """The instance of a schedule time."""
        found = self.connection.execute(sa.select(schedule_instance).where(*self._at(schedule_time))).first()
        return None if found is None else entry_of_row(found, self.row.project, self.row.name)

    def instances(self, times: Sequence[int]) -> dict[int, InstanceEntry]:
        """Those of some schedule times that there are."""
        of_task, found = schedule_instance.c.schedule_id == self.row.schedule_id, {}
        for start in range(0, len(times), _MANY):
            query = sa.select(schedule_instance).where(of_task, schedule_instance.c.schedule_time.in_(times[start : start + _MANY]))
            for row in self.connection.execute(query):
                found[row.schedule_time] = entry_of_row(row, self.row.project, self.row.name)
        return found

    def put(self, entry: InstanceEntry, *, new: bool = False, began: bool = False) -> InstanceEntry:
        """Store an instance; ``began``: an attempt of it has, so its next end is to be reported."""
        values = self._values(entry)
        if began or new:
            values["reported"] = False
        if new:
            self.connection.execute(schedule_instance.insert().values(**self._key(entry), **values))
        else:
            self.connection.execute(schedule_instance.update().where(*self._at(entry.instance.schedule_time)).values(**values))
        self.changed = True
        return entry

    def put_all(self, entries: Sequence[InstanceEntry]) -> None:
        """Store many that all have begun an attempt, whether they were there or not."""
        of_task = schedule_instance.c.schedule_id == self.row.schedule_id
        for start in range(0, len(entries), _MANY):
            part = entries[start : start + _MANY]
            times = [entry.instance.schedule_time for entry in part]
            self.connection.execute(schedule_instance.delete().where(of_task, schedule_instance.c.schedule_time.in_(times)))
            rows = [{**self._key(entry), **self._values(entry), "reported": False} for entry in part]
            self.connection.execute(schedule_instance.insert(), rows)
            self.changed = True

    def _key(self, entry: InstanceEntry) -> dict[str, Any]:
        one = entry.instance
        return {"schedule_id": self.row.schedule_id, "schedule_time": one.schedule_time, "created_us": one.created_us}

    def _values(self, entry: InstanceEntry) -> dict[str, Any]:
        one, row = entry.instance, self.row
        ahead = one.origin == "backfill" and (row.last is None or one.schedule_time > row.last)
        return {
            "state": str(one.state),
            "watched": not one.finished or ahead,
            "ended_us": one.end_us,
            "version": entry.version,
            "turn": entry.turn,
            "backfill": entry.backfill,
            "record": json.dumps(record_of(one), ensure_ascii=False),
            "outcome": None if entry.outcome is None else json.dumps(asdict(entry.outcome), ensure_ascii=False),
            "late": None if entry.late is None else json.dumps(asdict(entry.late)),
        }

    def made_by_schedule(self, schedule_time: int, taken: frozenset[int]) -> None:
        """The schedule has come to a schedule time."""
        self.row.first = schedule_time if self.row.first is None else min(self.row.first, schedule_time)
        self.row.last = schedule_time if self.row.last is None else max(self.row.last, schedule_time)
        if any(at <= self.row.last for at in taken):
            passed = schedule_instance.c.schedule_time <= self.row.last
            ended = schedule_instance.c.ended_us.is_not(None)
            watched = (schedule_instance.c.schedule_id == self.row.schedule_id, schedule_instance.c.watched == sa.true())
            self.connection.execute(schedule_instance.update().where(*watched, passed, ended).values(watched=False))

    def flush(self) -> None:
        """Write what changed of the task's row."""
        after = asdict(self.row)
        changes = {name: value for name, value in after.items() if self._before[name] != value}
        if changes:
            at = (schedule_task.c.project == self.row.project, schedule_task.c.name == self.row.name)
            self.connection.execute(schedule_task.update().where(*at).values(**changes))
        if self.changed:
            bump(self.connection, self.row.schedule_id)

    def _at(self, schedule_time: int) -> tuple[sa.ColumnElement[bool], ...]:
        return schedule_instance.c.schedule_id == self.row.schedule_id, schedule_instance.c.schedule_time == schedule_time


def bump(connection: sa.Connection, schedule_id: str) -> None:
    """Something of a task changed. Last in its transaction: all others wait for the row that counts."""
    connection.execute(schedule_change.update().values(number=schedule_change.c.number + 1))
    number = sa.select(schedule_change.c.number).scalar_subquery()
    connection.execute(schedule_task.update().where(schedule_task.c.schedule_id == schedule_id).values(changed=number))


def find_project(connection: sa.Connection, project_name: str, *, lock: bool = False) -> None:
    """Raises NotFound with the nearest name."""
    query = sa.select(project.c.project).where(project.c.project == project_name)
    if connection.execute(query.with_for_update() if lock else query).first() is None:
        known = connection.execute(sa.select(project.c.project)).scalars()
        raise NotFound(f"there is no project {project_name!r}", hint=suggestion(project_name, known, "project"), code="ProjectNotExist")


def find_task(connection: sa.Connection, project_name: str, name: str, *, lock: bool = False) -> TaskRow:
    """A task's row. Raises NotFound with the nearest name."""
    of_project = schedule_task.c.project == project_name
    query = sa.select(*(schedule_task.c[column] for column in _TASK_COLUMNS)).where(of_project, schedule_task.c.name == name)
    found = connection.execute(query.with_for_update() if lock else query).first()
    if found is None:
        find_project(connection, project_name)
        known = connection.execute(sa.select(schedule_task.c.name).where(of_project)).scalars()
        raise NotFound(
            f"there is no task {name!r} in the project {project_name!r}", hint=suggestion(name, known, "task"), code="JobNotExist"
        )
    return TaskRow(**found._mapping)


def load_progress(connection: sa.Connection, row: TaskRow) -> Progress:
    """What the plan asks for: the task's row and the few instances that are watched."""
    watched = sa.select(schedule_instance.c.ended_us, schedule_instance.c.schedule_time, schedule_instance.c.record).where(
        schedule_instance.c.schedule_id == row.schedule_id, schedule_instance.c.watched == sa.true()
    )
    unfinished, taken = [], set()
    for ended_us, schedule_time, record in connection.execute(watched):
        one = instance_of(json.loads(record)) if ended_us is None else None
        if one is not None:
            unfinished.append(one)
        if (one is None or one.origin == "backfill") and (row.last is None or schedule_time > row.last):
            taken.add(schedule_time)
    return Progress(
        row.schedule_id, row.created_us, row.first, row.last, row.free_us, tuple(unfinished), frozenset(taken), bool(row.enabled)
    )


def entry_of_row(row: Any, project_name: str, name: str) -> InstanceEntry:
    """A row of ``schedule_instance``."""
    late = None if row.late is None else LateLogsSeen(**json.loads(row.late))
    return InstanceEntry(
        project_name, name, row.schedule_id, instance_of(json.loads(row.record)), row.version, row.turn, _outcome(row.outcome), late,
        row.backfill,
    )  # fmt: skip


def _outcome(text: str | None) -> Outcome | None:
    if text is None:
        return None
    values = json.loads(text)
    return Outcome(**{**values, "notes": tuple(values["notes"])})
