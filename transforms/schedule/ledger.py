"""The ledger of scheduled SQL: tasks, their instances, whose turn it is. The port; adapter: `transforms.connectors.sql_schedule_ledger`.

Every method is one transaction, safe under concurrent processes, and takes its time from the keeper's own clock, so that schedulers on
several machines need no clocks that agree.

**The turn.** At most one attempt of a task is in execution. Who runs it holds the task's turn: a number that rises with every turn of
the task (it fences: a destination refuses the rows of a lower number than it has seen), and a lease that is renewed while the attempt
runs. A lease that ran out belongs to a worker that is gone: whoever asks next takes over, and the attempt of the old turn has failed
(`WORKER_LOST`). A worker that was only slow finds out when it renews or reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from transforms.core.interval import Interval
from transforms.schedule.backfill import Backfill, BackfillWindow
from transforms.schedule.failure import Failure
from transforms.schedule.instance import Instance, InstanceState
from transforms.schedule.plan import Progress, Wait
from transforms.schedule.task import Task

__all__ = [
    "BackfillEntry",
    "BackfillTurn",
    "InstanceEntry",
    "LateLogsSeen",
    "Outcome",
    "ScheduleLedger",
    "TaskEntry",
    "Turn",
    "WindowResult",
]


@dataclass(frozen=True)
class TaskEntry:
    """A task as it is kept.

    Attributes:
        task: the configuration.
        schedule_id: stands for this creation of the task: one that is deleted and created again has nothing to do with the old one.
        version: number of the configuration, from 1; it rises with every edit.
        created_us, modified_us: microseconds.
        enabled: whether new instances are made.
    """

    task: Task
    schedule_id: str
    version: int
    created_us: int
    modified_us: int
    enabled: bool


@dataclass(frozen=True)
class Outcome:
    """What an attempt that went well did.

    Attributes:
        rows_read, bytes_read: logs and bytes of the files that were read.
        rows_result: rows of the statement; ``rows_written``: logs, samples or table rows that went to the destination.
        skipped: samples that were left out, because their value was missing or no number.
        source_version: the source's version that was read.
        source_received_us: receive time of the newest log of that version: a log received later was not seen.
        notes: what a person should know.
    """

    rows_read: int = 0
    bytes_read: int = 0
    rows_result: int = 0
    rows_written: int = 0
    skipped: int = 0
    source_version: int = 0
    source_received_us: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LateLogsSeen:
    """Logs that arrived inside the window of an instance after it had read its source: how many, and the receive time of the newest."""

    logs: int
    received_us: int


@dataclass(frozen=True)
class InstanceEntry:
    """An instance as it is kept.

    Attributes:
        project, task: names; ``schedule_id``: the creation of the task it belongs to.
        instance: schedule time, window, state, attempts.
        version: of the configuration it ran with last: the one in force when it was made; a retry by hand takes the current one.
        turn: the number of its last turn.
        outcome: of the last attempt that went well; None before that.
        late: logs that came after that attempt had read; None: no one has. An instance with late logs is stale.
        backfill: number of the backfill that ran it last, None when none did.
    """

    project: str
    task: str
    schedule_id: str
    instance: Instance
    version: int
    turn: int
    outcome: Outcome | None = None
    late: LateLogsSeen | None = None
    backfill: int | None = None

    @property
    def stale(self) -> bool:
        """Whether its rows are no longer what its window holds."""
        return self.late is not None


@dataclass(frozen=True)
class Turn:
    """The right to run one attempt of one instance.

    Attributes:
        entry: the task, with the configuration to run: for the first run the one in force when the instance was made.
        instance: in state RUNNING; its last attempt is the one to run.
        number: of the turn.
        worker: who holds it.
        lease_us: until when, by the keeper's clock.
    """

    entry: TaskEntry
    instance: Instance
    number: int
    worker: str
    lease_us: int


@dataclass(frozen=True)
class BackfillEntry:
    """A backfill as it is kept: the range, what is done of it, and why it was asked for.

    Attributes:
        number: counts the task's backfills, from 1.
        range: schedule times, Unix seconds.
        again: whether windows that succeeded are run too.
        reason: in the words of who asked.
        state: ``created`` → ``running`` → ``finished`` or ``cancelled``; killed in between it stays ``running`` and goes on when applied again.
        done_before: all windows with schedule times below this are done.
        created_us, ended_us: microseconds; ``ended_us`` 0 while it has not ended.
        succeeded, failed: instances so far; ``rows_written``: by them.
    """

    project: str
    task: str
    number: int
    range: Interval
    again: bool
    reason: str
    state: Literal["created", "running", "finished", "cancelled"]
    done_before: int
    created_us: int
    ended_us: int = 0
    succeeded: int = 0
    failed: int = 0
    rows_written: int = 0


@dataclass(frozen=True)
class BackfillTurn:
    """The right to run some windows of a backfill: while it is held nothing else of the task is in execution.

    Attributes:
        entry: the task with the configuration of now.
        backfill: its number; ``windows`` in the order of their schedule times.
        number: of the turn.
    """

    entry: TaskEntry
    backfill: int
    windows: tuple[BackfillWindow, ...]
    number: int
    worker: str
    began_us: int
    lease_us: int


@dataclass(frozen=True)
class WindowResult:
    """How one window of a backfill turn went: exactly one of ``outcome`` and ``failure`` is given."""

    schedule_time: int
    outcome: Outcome | None = None
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if (self.outcome is None) == (self.failure is None):
            raise ValueError(f"a window went well or failed: {self}")


class ScheduleLedger(Protocol):
    """Errors of all: NotFound with code ``ProjectNotExist``, ``JobNotExist``, ``JobInstanceNotExist`` or ``BackfillNotExist`` and the nearest name as
    hint; StoreUnavailable, StoreRejected."""

    # Tasks

    def create_task(self, task: Task, *, enabled: bool = True) -> TaskEntry:
        """Raises AlreadyExists with code ``JobAlreadyExist``."""
        ...

    def task(self, project: str, name: str) -> TaskEntry: ...

    def list_tasks(self, project: str) -> Sequence[TaskEntry]:
        """Sorted by name."""
        ...

    def update_task(self, task: Task) -> TaskEntry:
        """The next instance is made by it. Raises ParameterInvalid as `check_edit`. The same configuration again changes nothing."""
        ...

    def set_enabled(self, project: str, name: str, enabled: bool) -> TaskEntry: ...

    def delete_task(self, project: str, name: str) -> None:
        """With its instances and backfills; the rows it wrote stay. Raises StateConflict while an attempt is in execution."""
        ...

    # Turns

    def progress(self, project: str, name: str) -> Progress:
        """What `plan.next_step` asks for."""
        ...

    def claim(self, project: str, name: str, worker: str, lease_seconds: float) -> Turn | Wait:
        """Do what `plan.next_step` says now: make an instance or begin an attempt, and hold the turn; or learn when to ask again.

        Instances whose window is impossible are made and have failed at once. A turn whose lease ran out is taken over first; while a
        turn is held the answer is a ``Wait`` until its lease ends.
        """
        ...

    def claim_at(self, project: str, name: str, schedule_time: int, worker: str, lease_seconds: float) -> Turn:
        """The turn to run the instance of one schedule time now: made if there is none (origin ``backfill``), else tried again.

        Raises CommitConflict with code ``TaskBusy`` while another turn is held or another instance is between its attempts,
        StateConflict as `Instance.retry`, ParameterInvalid for what is no schedule time of the past or has no possible window.
        """
        ...

    def renew(self, turn: Turn | BackfillTurn, lease_seconds: float) -> int:
        """The lease's new end. Raises CommitConflict with code ``InstanceSuperseded`` when the turn is no longer held: taken over, or the
        instance or backfill was cancelled."""
        ...

    def succeed(self, turn: Turn, outcome: Outcome) -> InstanceEntry:
        """The result is written; gives the turn back. Raises CommitConflict as `renew`."""
        ...

    def fail(self, turn: Turn, failure: Failure) -> InstanceEntry:
        """The attempt failed; gives the turn back. Raises CommitConflict as `renew`."""
        ...

    # Instances

    def instance(self, project: str, name: str, instance: str) -> InstanceEntry:
        """By id, or by schedule time in decimal."""
        ...

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
        """A page, newest schedule time first, and how many there are; ``within`` are schedule times; ``size`` −1 = all."""
        ...

    def retry(self, project: str, name: str, instance: str, trigger: Literal["manual", "late"] = "manual") -> InstanceEntry:
        """Queue another run of an instance; it goes before the next planned one. Raises StateConflict as `Instance.retry`."""
        ...

    def cancel(self, project: str, name: str, instance: str) -> InstanceEntry:
        """Give up what is going on; a running attempt's worker finds out and writes nothing. Raises StateConflict as `Instance.cancel`."""
        ...

    def record_late(self, project: str, name: str, instance: str, read_us: int, seen: LateLogsSeen) -> None:
        """Note late logs of an instance, unless it has read its source again since (its outcome's ``source_received_us`` is not ``read_us``)."""
        ...

    # Backfills

    def create_backfill(self, project: str, name: str, within: Interval, *, again: bool, reason: str) -> BackfillEntry:
        """Raises ParameterInvalid as `plan_backfill`."""
        ...

    def backfill(self, project: str, name: str, number: int) -> tuple[BackfillEntry, Backfill]:
        """What was asked for, and what is left to run, planned now."""
        ...

    def list_backfills(self, project: str, name: str | None = None) -> Sequence[BackfillEntry]: ...

    def claim_backfill(
        self, project: str, name: str, number: int, most: int, worker: str, lease_seconds: float
    ) -> BackfillTurn | Wait | None:
        """The turn to run the next windows, ``most`` at most; a ``Wait`` while another turn is held or a retry or a planned instance is due;
        None when all is done or the backfill was cancelled.

        Between two turns of a backfill one of those goes first; if nobody begins it within three seconds, the backfill goes on: there
        may be no scheduler. Windows that are impossible have failed at once.
        """
        ...

    def finish_backfill_turn(self, turn: BackfillTurn, results: Sequence[WindowResult]) -> BackfillEntry:
        """Record the windows' instances as ended and give the turn back. Windows without a result are claimed again. Raises CommitConflict as `renew`."""
        ...

    def cancel_backfill(self, project: str, name: str, number: int) -> BackfillEntry:
        """What is done stays. Raises StateConflict when it has ended."""
        ...

    # For who runs the service

    def changes(self) -> int:
        """Rises whenever a task, an instance or a backfill changed; cheap enough to be asked every second."""
        ...

    def changed_tasks(self, since: int) -> Sequence[tuple[str, str]]:
        """Project and name of the tasks with a change of a higher number than ``since``; −1: of all."""
        ...

    def now_us(self) -> int:
        """The keeper's clock, microseconds: ``Wait.until_us`` and leases are by it."""
        ...

    def unreported(self, size: int = 500) -> Sequence[InstanceEntry]:
        """Instances that ended and are not in the operational log yet, in the order they ended."""
        ...

    def mark_reported(self, entries: Sequence[InstanceEntry]) -> None:
        """Their present end is in the operational log."""
        ...

    def forget(self, before_us: int) -> int:
        """Drop instances that ended and were made before a moment; how many. What they wrote stays."""
        ...

    def close(self) -> None: ...
