"""Rows of ``schedule_backfill``, what of a backfill is left, and instances as its turns end them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_schema import schedule_backfill, schedule_instance
from transforms.connectors.sql_schedule_rows import Step, TaskRow, entry_of_row
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.interval import Interval
from transforms.schedule.attempt import Attempt, Run
from transforms.schedule.backfill import Backfill, BackfillWindow, plan_backfill
from transforms.schedule.instance import InstanceState, make_instance
from transforms.schedule.ledger import BackfillEntry, BackfillTurn, InstanceEntry, WindowResult
from transforms.schedule.plan import Progress
from transforms.schedule.task import Task

__all__ = ["backfill_entry", "ended_entry", "find_backfill", "finished_entry", "planned", "store_backfill"]


def find_backfill(connection: sa.Connection, row: TaskRow, number: int) -> BackfillEntry:
    """Raises NotFound with code ``BackfillNotExist``."""
    of_task = schedule_backfill.c.schedule_id == row.schedule_id
    found = connection.execute(sa.select(schedule_backfill).where(of_task, schedule_backfill.c.number == number)).first()
    if found is not None:
        return backfill_entry(found, row.project, row.name)
    known = connection.execute(sa.select(schedule_backfill.c.number).where(of_task).order_by(schedule_backfill.c.number)).scalars().all()
    some = ", ".join(str(one) for one in known[-10:])
    hint = f"it has {some}" if known else "make one with `backfill create`"
    raise NotFound(f"the task {row.name!r} has no backfill {number}", hint=hint, code="BackfillNotExist")


def backfill_entry(row: Any, project: str, name: str) -> BackfillEntry:
    """A row of ``schedule_backfill``."""
    return BackfillEntry(
        project, name, row.number, Interval(row.range_start, row.range_end), bool(row.again), row.reason, row.state, row.done_before,
        row.created_us, row.ended_us, row.succeeded, row.failed, row.rows_written,
    )  # fmt: skip


def store_backfill(step: Step, entry: BackfillEntry, *, new: bool = False) -> None:
    """Insert or replace one."""
    key = {"schedule_id": step.row.schedule_id, "number": entry.number}
    values = {
        "range_start": entry.range.start,
        "range_end": entry.range.end,
        "again": entry.again,
        "reason": entry.reason,
        "state": entry.state,
        "done_before": entry.done_before,
        "created_us": entry.created_us,
        "ended_us": entry.ended_us,
        "succeeded": entry.succeeded,
        "failed": entry.failed,
        "rows_written": entry.rows_written,
    }
    step.connection.execute(
        schedule_backfill.insert().values(**key, **values) if new else schedule_backfill.update().filter_by(**key).values(**values)
    )
    step.changed = True


def planned(
    connection: sa.Connection, row: TaskRow, task: Task, progress: Progress, entry: BackfillEntry, left: Interval, page: int | None = None
) -> tuple[Backfill, int]:
    """What of a range is left to run, and where the looking ended: after ``page`` instances at the latest."""
    table = schedule_instance
    inside = (table.c.schedule_id == row.schedule_id, table.c.schedule_time >= left.start, table.c.schedule_time < left.end)
    query = sa.select(table).where(*inside).order_by(table.c.schedule_time)
    found = [entry_of_row(one, row.project, row.name) for one in connection.execute(query if page is None else query.limit(page))]
    if page is not None and len(found) == page:
        left = Interval(left.start, found[-1].instance.schedule_time + 1)
    try:
        plan = plan_backfill(
            task, progress, [one.instance for one in found], left, again=entry.again, forgotten_before=row.forgotten_before
        )
    except ParameterInvalid:
        # Empty, or the schedule has it before it: nothing is left.
        return Backfill(task, left, entry.again, {}, (), frozenset(), ()), left.end
    own = {one.instance.schedule_time for one in found if one.backfill == entry.number}
    return replace(plan, repeated={at: one for at, one in plan.repeated.items() if at not in own}), left.end


def finished_entry(window: BackfillWindow, step: Step, turn: BackfillTurn, result: WindowResult) -> InstanceEntry:
    """An instance that a backfill made."""
    row = step.row
    one = make_instance(row.schedule_id, window.schedule_time, window.window, turn.began_us, "backfill")
    return _with_result(InstanceEntry(row.project, row.name, row.schedule_id, one, turn.entry.version, turn.number), step, turn, result)


def ended_entry(entry: InstanceEntry, step: Step, turn: BackfillTurn, result: WindowResult) -> InstanceEntry:
    """An instance that was there, after one more run."""
    one, run = entry.instance, Run("backfill", turn.began_us)
    if one.queued:
        # Asked for again while the backfill ran it: that run is still to come.
        return _with_result(replace(entry, instance=replace(one, runs=(*one.runs[:-1], run, one.runs[-1]))), step, turn, result)
    return _with_result(replace(entry, instance=replace(one, runs=(*one.runs, run))), step, turn, result)


def _with_result(entry: InstanceEntry, step: Step, turn: BackfillTurn, result: WindowResult) -> InstanceEntry:
    one = entry.instance
    attempt = Attempt(turn.began_us, max(step.now_us, turn.began_us), result.failure)
    at = next(number for number in reversed(range(len(one.runs))) if one.runs[number].trigger == "backfill")
    runs = (*one.runs[:at], replace(one.runs[at], attempts=(attempt,)), *one.runs[at + 1 :])
    ended = replace(one, runs=runs)
    if not one.queued:
        ended = replace(ended, state=InstanceState.FAILED if result.failure else InstanceState.SUCCEEDED, next_attempt_us=0)
    changed = replace(entry, instance=ended, version=turn.entry.version, turn=turn.number, backfill=turn.backfill)
    return changed if result.outcome is None else replace(changed, outcome=result.outcome, late=None)
