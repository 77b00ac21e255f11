"""Backfills in the ledger of scheduled SQL: what was asked for, how far it is, whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_engine import reading
from transforms.connectors.sql_catalogue_schema import schedule_backfill, schedule_instance, schedule_task
from transforms.connectors.sql_schedule_backfill_rows import (
    backfill_entry,
    ended_entry,
    find_backfill,
    finished_entry,
    planned,
    store_backfill,
)
from transforms.connectors.sql_schedule_rows import Keeper, Step, entry_of_row, find_project, find_task, load_progress
from transforms.connectors.sql_schedule_turns import held_turn, hold, impossible, no_window, take_over
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.schedule.backfill import Backfill, BackfillWindow, plan_backfill
from transforms.schedule.instance import StateConflict
from transforms.schedule.ledger import BackfillEntry, BackfillTurn, WindowResult
from transforms.schedule.plan import Begin, Wait, next_step

__all__ = ["BackfillRows"]

_OTHERS_FIRST_US = 3_000_000
"""Between two turns of a backfill an instance that is due is waited for so long: if no scheduler runs, nobody would ever begin it."""
_PAGE = 5_000
"""Instances that are looked at together for the next windows."""


class BackfillRows(Keeper):
    """The part of a `ScheduleLedger` about backfills."""

    def create_backfill(self, project: str, name: str, within: Interval, *, again: bool, reason: str) -> BackfillEntry:
        with self._step(project, name) as step:
            table, row = schedule_instance, step.row
            inside = (table.c.schedule_id == row.schedule_id, table.c.schedule_time >= within.start, table.c.schedule_time < within.end)
            ended = sa.select(table).where(*inside, table.c.ended_us.is_not(None)).limit(1)
            some = [entry_of_row(found, project, name).instance for found in step.connection.execute(ended)]
            plan_backfill(step.task, step.progress(), some, within, again=again)  # refuses what cannot be
            numbers = sa.select(sa.func.max(schedule_backfill.c.number)).where(schedule_backfill.c.schedule_id == row.schedule_id)
            number = (step.connection.execute(numbers).scalar() or 0) + 1
            entry = BackfillEntry(project, name, number, within, again, reason, "created", within.start, step.now_us)
            store_backfill(step, entry, new=True)
            return entry

    def backfill(self, project: str, name: str, number: int) -> tuple[BackfillEntry, Backfill]:
        with reading(self._engine) as connection:
            row = find_task(connection, project, name)
            entry = find_backfill(connection, row, number)
            task = self._entry(connection, row).task
            left = Interval(max(entry.done_before, entry.range.start), entry.range.end)
            if entry.state in ("finished", "cancelled"):
                left = Interval(left.end, left.end)
            return entry, planned(connection, row, task, load_progress(connection, row), entry, left)[0]

    def list_backfills(self, project: str, name: str | None = None) -> Sequence[BackfillEntry]:
        table, task = schedule_backfill, schedule_task
        with reading(self._engine) as connection:
            find_project(connection, project)
            wanted = [task.c.project == project]
            if name is not None:
                wanted.append(task.c.schedule_id == find_task(connection, project, name).schedule_id)
            rows = sa.select(table, task.c.name).join(task, task.c.schedule_id == table.c.schedule_id).where(*wanted)
            entries = [backfill_entry(row, project, row.name) for row in connection.execute(rows)]
        return tuple(sorted(entries, key=lambda entry: (entry.task, entry.number)))

    def claim_backfill(
        self, project: str, name: str, number: int, most: int, worker: str, lease_seconds: float
    ) -> BackfillTurn | Wait | None:
        with self._step(project, name) as step:
            entry = find_backfill(step.connection, step.row, number)
            if entry.state in ("finished", "cancelled"):
                return None
            take_over(step)
            if step.row.held:
                return Wait(step.row.turn_lease_us, "running")
            wait = _others_first(step)
            if wait is not None:
                return wait
            windows = _next_windows(step, entry, most)
            if not windows:
                store_backfill(step, replace(entry, state="finished", done_before=entry.range.end, ended_us=step.now_us))
                return None
            hold(step, worker, lease_seconds, backfill=number)
            row = step.row
            turn = BackfillTurn(step.entry(), number, windows, row.turn, worker, step.now_us, row.turn_lease_us)
            refused = _refused(windows)
            if refused:
                # Windows that cannot be have failed at once; the rest of these is claimed anew.
                _record(step, replace(entry, state="running"), turn, refused)
                row.free(step.now_us)
                return Wait(step.now_us, "planned")
            store_backfill(step, replace(entry, state="running"))
            return turn

    def finish_backfill_turn(self, turn: BackfillTurn, results: Sequence[WindowResult]) -> BackfillEntry:
        with self._step(turn.entry.task.project, turn.entry.task.name) as step:
            held_turn(step.row, turn)
            entry = find_backfill(step.connection, step.row, turn.backfill)
            done = _record(step, entry, turn, results)
            step.row.free(step.now_us)
            return done

    def cancel_backfill(self, project: str, name: str, number: int) -> BackfillEntry:
        with self._step(project, name) as step:
            entry = find_backfill(step.connection, step.row, number)
            if entry.state in ("finished", "cancelled"):
                raise StateConflict(
                    f"backfill {number} of the task {name!r} is {entry.state}", hint="only one that has not ended can be cancelled"
                )
            if step.row.held and step.row.turn_backfill == number:
                step.row.free(step.now_us)
            cancelled = replace(entry, state="cancelled", ended_us=step.now_us)
            store_backfill(step, cancelled)
            return cancelled


def _others_first(step: Step) -> Wait | None:
    """What is due goes before the second turn of a backfill, and so do the attempts of an instance that has begun."""
    progress = step.progress()
    found = next_step(step.task, progress, step.now_us)
    if isinstance(found, Wait):
        return found if found.reason == "retrying" else None
    begun = isinstance(found, Begin) and not found.instance.queued
    if not begun and step.row.turn_backfill is None:
        return None
    due_us = found.instance.next_attempt_us if isinstance(found, Begin) else 0
    until_us = max(due_us, progress.free_us) + _OTHERS_FIRST_US
    return Wait(until_us, "retrying" if begun else "planned") if step.now_us < until_us else None


def _next_windows(step: Step, entry: BackfillEntry, most: int) -> tuple[BackfillWindow, ...]:
    at, progress = max(entry.done_before, entry.range.start), step.progress()
    while at < entry.range.end:
        plan, end = planned(step.connection, step.row, step.task, progress, entry, Interval(at, entry.range.end), page=_PAGE)
        found = tuple(islice(plan.windows(), most))
        if found:
            return found
        at = end
    return ()


def _refused(windows: Sequence[BackfillWindow]) -> list[WindowResult]:
    refused = []
    for window in windows:
        problem = window.problem or (None if window.instance is None else impossible(window.instance))
        if problem is not None:
            refused.append(WindowResult(window.schedule_time, failure=no_window(problem)))
    return refused


def _record(step: Step, entry: BackfillEntry, turn: BackfillTurn, results: Sequence[WindowResult]) -> BackfillEntry:
    """The instances of the results have ended."""
    windows = {window.schedule_time: window for window in turn.windows}
    given = {result.schedule_time: result for result in results}
    strange = sorted(given.keys() - windows.keys())
    if strange:
        raise ParameterInvalid(f"the schedule time {strange[0]} is none of this turn's windows")
    known = step.instances(list(given))
    ended = [
        ended_entry(known[at], step, turn, result) if at in known else finished_entry(windows[at], step, turn, result)
        for at, result in given.items()
    ]
    step.put_all(ended)
    left = [at for at in windows if at not in given]
    well = [result.outcome for result in given.values() if result.outcome is not None]
    done = replace(
        entry,
        done_before=max(entry.done_before, min(left) if left else max(windows) + 1),
        succeeded=entry.succeeded + len(well),
        failed=entry.failed + len(given) - len(well),
        rows_written=entry.rows_written + sum(outcome.rows_written for outcome in well),
    )
    store_backfill(step, done)
    return done
