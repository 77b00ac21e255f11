"""Instances in the ledger of scheduled SQL: looked up, listed, asked for again, given up, reported, forgotten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import reading
from transforms.connectors.sql_catalogue_schema import schedule_instance, schedule_task
from transforms.connectors.sql_schedule_rows import Keeper, Step, TaskRow, entry_of_row, find_task
from transforms.core.errors import NotFound
from transforms.core.interval import Interval
from transforms.schedule.instance import InstanceState
from transforms.schedule.ledger import InstanceEntry, LateLogsSeen

__all__ = ["InstanceRows"]

_TIME = re.compile(r"(?:[0-9a-f]{16}-)?(-?[0-9]{1,18})")


class InstanceRows(Keeper):
    """The part of a `ScheduleLedger` about instances."""

    def instance(self, project: str, name: str, instance: str) -> InstanceEntry:
        with reading(self._engine) as connection:
            return _find(connection, find_task(connection, project, name), instance)

    def list_instances(
        self,
        project: str,
        name: str,
        *,
        within: Interval | None = None,
        states: Sequence[InstanceState] = (),
        stale: bool = False,
        offset: int = 0,
        size: int = 100,
    ) -> tuple[Sequence[InstanceEntry], int]:
        table = schedule_instance
        with reading(self._engine) as connection:
            row = find_task(connection, project, name)
            wanted = [table.c.schedule_id == row.schedule_id]
            if within is not None:
                wanted += [table.c.schedule_time >= within.start, table.c.schedule_time < within.end]
            if states:
                wanted.append(table.c.state.in_([str(state) for state in states]))
            if stale:
                wanted.append(table.c.late.is_not(None))
            total = connection.execute(sa.select(sa.func.count()).select_from(table).where(*wanted)).scalar_one()
            page = sa.select(table).where(*wanted).order_by(table.c.schedule_time.desc())
            # MySQL takes no offset without a limit.
            page = page.limit(total if size < 0 else size).offset(offset)
            return tuple(entry_of_row(found, project, name) for found in connection.execute(page)), total

    def retry(self, project: str, name: str, instance: str, trigger: Literal["manual", "late"] = "manual") -> InstanceEntry:
        with self._step(project, name) as step:
            entry = _of_step(step, instance)
            return step.put(replace(entry, instance=entry.instance.retry(step.now_us, trigger)))

    def cancel(self, project: str, name: str, instance: str) -> InstanceEntry:
        with self._step(project, name) as step:
            entry = _of_step(step, instance)
            cancelled = replace(entry, instance=entry.instance.cancel(step.now_us))
            if step.row.held and step.row.turn_time == entry.instance.schedule_time:
                step.row.free(step.now_us)
            return step.put(cancelled)

    def record_late(self, project: str, name: str, instance: str, read_us: int, seen: LateLogsSeen) -> None:
        with self._step(project, name) as step:
            entry = _of_step(step, instance)
            if entry.outcome is not None and entry.outcome.source_received_us == read_us and entry.late != seen:
                step.put(replace(entry, late=seen))

    def unreported(self, size: int = 500) -> Sequence[InstanceEntry]:
        table = schedule_instance
        query = (
            sa.select(table, schedule_task.c.project, schedule_task.c.name)
            .join(schedule_task, schedule_task.c.schedule_id == table.c.schedule_id)
            .where(table.c.reported == sa.false(), table.c.ended_us.is_not(None))
            .order_by(table.c.ended_us, table.c.schedule_id, table.c.schedule_time)
            .limit(size)
        )
        with reading(self._engine) as connection:
            return tuple(entry_of_row(row, row.project, row.name) for row in connection.execute(query))

    def mark_reported(self, entries: Sequence[InstanceEntry]) -> None:
        table = schedule_instance
        ordered = sorted(entries, key=lambda entry: (entry.project, entry.task, entry.instance.schedule_time))
        # One task at a time: whoever locks two would have to agree with all others on the order.
        for (project, name), group in groupby(ordered, key=lambda entry: (entry.project, entry.task)):
            try:
                with self._step(project, name) as step:
                    for entry in group:
                        at = (table.c.schedule_id == entry.schedule_id, table.c.schedule_time == entry.instance.schedule_time)
                        same_end = (table.c.turn == entry.turn, table.c.ended_us == entry.instance.end_us)
                        step.connection.execute(table.update().where(*at, *same_end).values(reported=True))
            except NotFound:
                continue  # deleted since, and its instances with it

    def forget(self, before_us: int) -> int:
        table, task = schedule_instance, schedule_task
        old = (table.c.created_us < before_us, table.c.ended_us.is_not(None), table.c.watched == sa.false())
        # The first and the last one say how far the plan has come: they stay.
        ends = (sa.func.coalesce(task.c.first, table.c.schedule_time - 1), sa.func.coalesce(task.c.last, table.c.schedule_time - 1))
        inner = (table.c.schedule_time != ends[0], table.c.schedule_time != ends[1])
        names = sa.select(task.c.project, task.c.name).join(table, task.c.schedule_id == table.c.schedule_id).where(*old, *inner).distinct()
        with reading(self._engine) as connection:
            found = connection.execute(names).all()
        return sum(self._forget(project, name, old) for project, name in found)

    def _forget(self, project: str, name: str, old: Sequence[sa.ColumnElement[bool]]) -> int:
        table = schedule_instance
        try:
            with self._step(project, name) as step:
                row = step.row
                kept = [at for at in (row.first, row.last) if at is not None]
                wanted = (table.c.schedule_id == row.schedule_id, table.c.schedule_time.not_in(kept), *old)
                below = _dropped_below(step, wanted)
                gone = step.connection.execute(table.delete().where(*wanted)).rowcount
                if gone:
                    row.forgotten_before = below
                    step.changed = True
                return gone
        except NotFound:
            return 0


def _dropped_below(step: Step, wanted: Sequence[sa.ColumnElement[bool]]) -> int | None:
    """Below this schedule time instances have been dropped, once those that are wanted are."""
    latest = step.connection.execute(sa.select(sa.func.max(schedule_instance.c.schedule_time)).where(*wanted)).scalar()
    known = (step.row.forgotten_before, None if latest is None else latest + 1)
    return max((at for at in known if at is not None), default=None)


def _of_step(step: Step, instance: str) -> InstanceEntry:
    return _find(step.connection, step.row, instance)


def _find(connection: sa.Connection, row: TaskRow, wanted: str) -> InstanceEntry:
    """By id or schedule time. Raises NotFound with the nearest schedule times."""
    table, match = schedule_instance, _TIME.fullmatch(wanted)
    hint = "see `instance list` for the ids"
    if match is not None:
        at, of_task = int(match[1]), table.c.schedule_id == row.schedule_id
        found = connection.execute(sa.select(table).where(of_task, table.c.schedule_time == at)).first()
        entry = None if found is None else entry_of_row(found, row.project, row.name)
        if entry is not None and wanted in (entry.instance.id, match[1]):
            return entry
        before = connection.execute(sa.select(sa.func.max(table.c.schedule_time)).where(of_task, table.c.schedule_time <= at)).scalar()
        after = connection.execute(sa.select(sa.func.min(table.c.schedule_time)).where(of_task, table.c.schedule_time > at)).scalar()
        near = [str(time) for time in (before, after) if time is not None]
        if near:
            hint = f"the nearest schedule time{'s' if near[1:] else ''} with an instance: {' and '.join(near)}"
    raise NotFound(f"the task {row.name!r} has no instance {wanted!r}", hint=hint, code="JobInstanceNotExist")
