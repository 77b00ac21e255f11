"""Turns in the ledger of scheduled SQL: who may run what, for how long, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from transforms.connectors.sql_catalogue_engine import reading
from transforms.connectors.sql_schedule_rows import Keeper, Step, TaskRow, find_task, load_progress
from transforms.core.errors import CommitConflict, ParameterInvalid
from transforms.core.interval import Interval
from transforms.core.moments import format_moment
from transforms.schedule.failure import WORKER_LOST, Failure
from transforms.schedule.instance import Instance, make_instance
from transforms.schedule.ledger import BackfillTurn, InstanceEntry, Outcome, Turn
from transforms.schedule.plan import Make, Wait, next_step
from transforms.schedule.retry import RetryLimits

__all__ = ["TurnRows", "fail_at_once", "held_turn", "hold", "impossible", "no_window", "take_over"]

_SECOND = 1_000_000
_MOST_IMPOSSIBLE = 100
"""Instances that can have no window are made this many at a time: others of the database are waiting."""
_ONCE = RetryLimits(max_retries=0)


class TurnRows(Keeper):
    """The part of a `ScheduleLedger` about turns of instances."""

    def claim(self, project: str, name: str, worker: str, lease_seconds: float) -> Turn | Wait:
        wait = self._waits(project, name)
        if wait is not None:
            return wait  # without the lock, which others need
        with self._step(project, name) as step:
            take_over(step)
            if step.row.held:
                return Wait(step.row.turn_lease_us, "running")
            for _ in range(_MOST_IMPOSSIBLE):
                found = _do_next(step, worker, lease_seconds)
                if found is not None:
                    return found
            return Wait(step.now_us, "planned")

    def _waits(self, project: str, name: str) -> Wait | None:
        """What there is to wait for, if there is nothing to do."""
        with reading(self._engine) as connection:
            row, now_us = find_task(connection, project, name), self._now_us(connection)
            if row.held:
                return Wait(row.turn_lease_us, "running") if row.turn_lease_us > now_us else None
            task = self._entry(connection, row).task
            found = next_step(task, load_progress(connection, row), now_us)
            # Somebody may have taken the turn between the two looks: how long its lease is only the lock tells.
            return found if isinstance(found, Wait) and found.reason != "running" else None

    def claim_at(self, project: str, name: str, schedule_time: int, worker: str, lease_seconds: float) -> Turn:
        with self._step(project, name) as step:
            take_over(step)
            others = [one for one in step.progress().open if not one.queued and one.schedule_time != schedule_time]
            if step.row.held or others:
                raise CommitConflict(
                    f"the task {name!r} is running another instance", hint="wait until it has ended, or cancel it", code="TaskBusy"
                )
            entry = step.instance(schedule_time)
            if entry is None:
                return _make(step, _planned(step, schedule_time), "backfill", worker, lease_seconds)
            problem = impossible(entry.instance)
            if problem is not None:
                raise ParameterInvalid(f"the instance {entry.instance.id} cannot run: {problem}", hint="it was made so: change the task")
            if entry.instance.finished:
                entry = replace(entry, instance=entry.instance.retry(step.now_us))
            return _begin(step, entry, worker, lease_seconds)

    def renew(self, turn: Turn | BackfillTurn, lease_seconds: float) -> int:
        with self._step(turn.entry.task.project, turn.entry.task.name) as step:
            held_turn(step.row, turn)
            step.row.turn_lease_us = max(step.row.turn_lease_us, step.now_us + round(lease_seconds * _SECOND))
            return step.row.turn_lease_us

    def succeed(self, turn: Turn, outcome: Outcome) -> InstanceEntry:
        with self._step(turn.entry.task.project, turn.entry.task.name) as step:
            entry = _run_by(step, turn)
            step.row.free(step.now_us)
            return step.put(replace(entry, instance=entry.instance.succeed(step.now_us), outcome=outcome, late=None))

    def fail(self, turn: Turn, failure: Failure) -> InstanceEntry:
        with self._step(turn.entry.task.project, turn.entry.task.name) as step:
            return _fail(step, _run_by(step, turn), failure)


def take_over(step: Step) -> None:
    """A turn whose lease ran out is free again; its attempt has failed, the windows of its backfill are not done."""
    row = step.row
    if not row.held or row.turn_lease_us > step.now_us:
        return
    entry = None if row.turn_time is None else step.instance(row.turn_time)
    if entry is not None:
        _fail(step, entry, WORKER_LOST)
    row.free(step.now_us)
    step.changed = True


def hold(step: Step, worker: str, lease_seconds: float, *, schedule_time: int | None = None, backfill: int | None = None) -> None:
    """The next turn is somebody's."""
    row = step.row
    row.turn, row.turn_worker, row.turn_began_us = row.turn + 1, worker, step.now_us
    row.turn_time, row.turn_backfill = schedule_time, backfill
    row.turn_lease_us = step.now_us + max(1, round(lease_seconds * _SECOND))
    step.changed = True


def held_turn(row: TaskRow, turn: Turn | BackfillTurn) -> None:
    """Raises CommitConflict with code ``InstanceSuperseded`` unless the turn is still held."""
    if (row.schedule_id, row.turn) == (turn.entry.schedule_id, turn.number) and row.held:
        return
    raise CommitConflict(
        f"turn {turn.number} of the task {row.name!r} is over: it was taken over after its lease had run out, or cancelled",
        hint="write nothing: who has the turn now does it",
        code="InstanceSuperseded",
    )


def _do_next(step: Step, worker: str, lease_seconds: float) -> Turn | Wait | None:
    """One step of the plan; None when it was an instance that failed at once."""
    progress = step.progress()
    found = next_step(step.task, progress, step.now_us)
    if isinstance(found, Wait):
        return found
    if isinstance(found, Make):
        step.made_by_schedule(found.schedule_time, progress.taken)
        if found.problem is not None:
            step.row.turn += 1
            fail_at_once(step, _new(step, found, "schedule"), found.problem, new=True)
            return None
        return _make(step, found, "schedule", worker, lease_seconds)
    entry = step.instance(found.instance.schedule_time)
    assert entry is not None
    problem = impossible(entry.instance)
    if problem is not None:
        step.row.turn += 1
        fail_at_once(step, _begun(step, entry), problem)
        return None
    return _begin(step, entry, worker, lease_seconds)


def impossible(one: Instance) -> str | None:
    """Why an instance that was made with such a window fails each time it is tried."""
    return "the window ends before it begins" if one.window.start >= one.window.end else None


def no_window(problem: str) -> Failure:
    """What an instance without a possible window fails with."""
    return Failure("WindowInvalid", problem)


def _new(step: Step, made: Make, origin: Literal["schedule", "backfill"]) -> InstanceEntry:
    row = step.row
    one = make_instance(row.schedule_id, made.schedule_time, made.window, step.now_us, origin)
    return InstanceEntry(row.project, row.name, row.schedule_id, one, row.version, row.turn)


def fail_at_once(step: Step, entry: InstanceEntry, problem: str, *, new: bool = False) -> InstanceEntry:
    """A running instance ends before anybody was given its turn."""
    failed = entry.instance.fail(step.now_us, no_window(problem), _ONCE)
    step.row.free_us = max(step.row.free_us, step.now_us)
    return step.put(replace(entry, instance=failed), new=new, began=True)


def _make(step: Step, made: Make, origin: Literal["schedule", "backfill"], worker: str, lease_seconds: float) -> Turn:
    hold(step, worker, lease_seconds, schedule_time=made.schedule_time)
    entry = step.put(_new(step, made, origin), new=True)
    return _turn(step, entry)


def _begin(step: Step, entry: InstanceEntry, worker: str, lease_seconds: float) -> Turn:
    hold(step, worker, lease_seconds, schedule_time=entry.instance.schedule_time)
    return _turn(step, step.put(_begun(step, entry), began=True))


def _begun(step: Step, entry: InstanceEntry) -> InstanceEntry:
    # A run that was asked for takes the configuration of now, to the end of its retries; the first one that of its making.
    version = step.row.version if entry.instance.queued else entry.version
    return replace(entry, instance=entry.instance.begin(step.now_us), version=version, turn=step.row.turn)


def _turn(step: Step, entry: InstanceEntry) -> Turn:
    row = step.row
    return Turn(step.entry(entry.version), entry.instance, row.turn, row.turn_worker, row.turn_lease_us)


def _run_by(step: Step, turn: Turn) -> InstanceEntry:
    """The instance that a turn runs."""
    held_turn(step.row, turn)
    entry = step.instance(turn.instance.schedule_time)
    assert entry is not None
    return entry


def _fail(step: Step, entry: InstanceEntry, failure: Failure) -> InstanceEntry:
    limits = step.entry(entry.version).task.limits
    step.row.free(step.now_us)
    return step.put(replace(entry, instance=entry.instance.fail(step.now_us, failure, limits)))


def _planned(step: Step, schedule_time: int) -> Make:
    """The window of a schedule time that has come. Raises ParameterInvalid for other times."""
    task, row = step.task, step.row
    shown = format_moment(schedule_time, task.zone)
    if schedule_time * _SECOND > step.now_us:
        raise ParameterInvalid(f"{shown} has not come yet", hint="name a schedule time of the past")
    anchors = [at for at in (row.first, row.last) if at is not None] or [task.from_time]
    here = Interval(schedule_time, schedule_time + 1)
    if not any(at == schedule_time for anchor in anchors for at in task.rule.times(here, anchor)):
        raise ParameterInvalid(
            f"{shown} is no schedule time of the task {row.name!r}", hint="see `task plan` and `instance list` for its schedule times"
        )
    problem = task.window.problem_at(schedule_time, task.zone)
    if problem is not None:
        raise ParameterInvalid(f"there is no window at {shown}: {problem}", hint="change the task's window")
    return Make(schedule_time, task.window_at(schedule_time))
