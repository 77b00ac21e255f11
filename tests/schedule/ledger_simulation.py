"""Two schedulers on one ledger in a real database, under a clock that jumps: what `simulation` does in memory, with turns and leases."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.schedule.simulation import FAILED, SECOND, Event, Outcome
from tests.schedule.sql_ledger import Kept
from transforms.core.errors import CommitConflict
from transforms.schedule import ledger as kinds
from transforms.schedule.instance import Instance, StateConflict
from transforms.schedule.plan import Progress, Wait
from transforms.schedule.retry import MANUAL_RETRY_US
from transforms.schedule.task import Task
from transforms.schedule.task_edit import check_edit

LEASE = 300
_RENEWED_EVERY = 200 * SECOND


@dataclass
class Scheduler:
    """One process: the turn it holds, when its attempt ends, whether it stands still (it goes on later and knows nothing of it)."""

    name: str
    turn: kinds.Turn | None = None
    ends_us: int = 0
    well: bool = True
    renews_us: int = 0
    frozen: bool = False


@dataclass
class LedgerSimulation:
    """As `Simulation`. The events ``down`` and ``up`` freeze one of the schedulers, in turns, and wake all of them."""

    kept: Kept
    task: Task
    created_us: int
    outcome: Callable[[Instance, int, int], Outcome]
    check: Callable[[LedgerSimulation], None]
    schedulers: tuple[Scheduler, ...] = (Scheduler("one"), Scheduler("two"))
    instances: dict[int, Instance] = field(default_factory=dict)
    snapshots: dict[int, Task] = field(default_factory=dict)
    current: dict[tuple[int, int], Task] = field(default_factory=dict)
    enabled: bool = True
    down: bool = False
    true_us: int = 0
    shift_us: int = 0
    holder: kinds.Turn | None = None
    numbers: list[int] = field(default_factory=list)
    refused: int = 0
    taken_over: int = 0
    cancelled: int = 0
    leases: dict[int, int] = field(default_factory=dict)

    def run(self, events: Sequence[Event], until_us: int) -> None:
        """Everything that happens up to a moment."""
        waiting = deque(sorted(events, key=lambda event: event.at_us))
        self._set(self.created_us)
        self.kept.ledger.create_task(self.task)
        while self.true_us <= until_us:
            for scheduler in self.schedulers:
                self._work(scheduler)
            while waiting and waiting[0].at_us <= self.true_us:
                self._happen(waiting.popleft())
            waits = [wait for scheduler in self.schedulers if (wait := self._ask(scheduler)) is not None]
            moments = [moment for scheduler in self.schedulers for moment in self._moments(scheduler)]
            moments += [wait.until_us - self.shift_us for wait in waits if wait.until_us is not None]
            moments += [waiting[0].at_us] if waiting else []
            if not moments:
                break
            self._set(max(self.true_us, min(moments)))
        self._set(until_us)

    def progress(self) -> Progress:
        return self.kept.ledger.progress("default", self.task.name)

    def _set(self, true_us: int) -> None:
        self.true_us = true_us
        self.kept.now_us = true_us + self.shift_us

    def _moments(self, scheduler: Scheduler) -> list[int]:
        return [] if scheduler.turn is None or scheduler.frozen else [scheduler.ends_us, scheduler.renews_us]

    def _work(self, scheduler: Scheduler) -> None:
        turn = scheduler.turn
        if turn is None or scheduler.frozen:
            return
        try:
            if scheduler.ends_us <= self.true_us:
                scheduler.turn = None
                self._report(turn, scheduler.well)
                assert self.holder is turn, "a turn that was over has reported"
                self.holder = None
            elif scheduler.renews_us <= self.true_us:
                self.leases[turn.number] = self.kept.ledger.renew(turn, LEASE)
                scheduler.renews_us = self.true_us + _RENEWED_EVERY
        except CommitConflict as error:
            assert error.code == "InstanceSuperseded"
            assert self.holder is not turn, "refused although nobody else came"
            scheduler.turn = None
            self.refused += 1

    def _report(self, turn: kinds.Turn, well: bool) -> None:
        ledger = self.kept.ledger
        entry = ledger.succeed(turn, kinds.Outcome(rows_written=turn.number)) if well else ledger.fail(turn, FAILED)
        self._saw(entry.instance)

    def _ask(self, scheduler: Scheduler) -> Wait | None:
        if scheduler.turn is not None or scheduler.frozen:
            return None
        found = self.kept.ledger.claim("default", self.task.name, scheduler.name, LEASE)
        self._look_for_loss()
        if isinstance(found, Wait):
            return found
        self._begun(found)
        one = found.instance
        takes, scheduler.well, _ = self.outcome(one, len(one.runs) - 1, len(one.run.attempts) - 1)
        scheduler.turn, scheduler.ends_us = found, self.true_us + takes
        scheduler.renews_us = self.true_us + _RENEWED_EVERY
        return None

    def _begun(self, turn: kinds.Turn) -> None:
        one = turn.instance
        assert self.holder is None, f"turn {turn.number} was given while {self.holder and self.holder.number} is held"
        assert not self.numbers or turn.number > self.numbers[-1], "a number was given twice"
        self.numbers.append(turn.number)
        self.holder, self.leases[turn.number] = turn, turn.lease_us
        if one.schedule_time not in self.instances:
            self.snapshots[one.schedule_time] = self.task
        run = (one.schedule_time, len(one.runs))
        if len(one.run.attempts) == 1:
            self.current[run] = self.task
        expected = self.snapshots[one.schedule_time] if len(one.runs) == 1 else self.current[run]
        assert turn.entry.task == expected, "an attempt with another configuration"
        self._saw(one)

    def _look_for_loss(self) -> None:
        """Whoever asks takes over a turn whose lease ran out; nobody does before that."""
        if self.holder is None:
            return
        at, number = self.holder.instance.schedule_time, self.holder.number
        if self.kept.now_us >= self.leases[number]:
            self.holder = None
            self.taken_over += 1
            # Looked at with what comes next: the claim may have made another instance already.
            self.instances[at] = self.kept.ledger.instance("default", self.task.name, str(at)).instance

    def _saw(self, one: Instance) -> None:
        self.instances[one.schedule_time] = one
        self.check(self)

    def _happen(self, event: Event) -> None:
        ledger, name = self.kept.ledger, self.task.name
        if event.kind == "edit":
            assert event.task is not None
            check_edit(self.task, event.task, self.progress().last)
            ledger.update_task(event.task)
            self.task = event.task
        elif event.kind == "clock":
            self.shift_us = event.shift_us
            self._set(self.true_us)
        elif event.kind == "down":
            thawed = [scheduler for scheduler in self.schedulers if not scheduler.frozen]
            if thawed:
                thawed[event.at_us % len(thawed)].frozen = True
            self.down = len(thawed) <= 1
        elif event.kind == "up":
            for scheduler in self.schedulers:
                scheduler.frozen = False
            self.down = False
        elif event.kind in ("enable", "disable"):
            self.enabled = event.kind == "enable"
            ledger.set_enabled("default", name, self.enabled)
        elif event.kind == "cancel":
            self._cancel()
        else:
            self._retry()

    def _cancel(self) -> None:
        active = next(iter(self.progress().open), None)
        if active is not None:
            if self.holder is not None and self.holder.instance.id == active.id:
                self.holder = None
            self._saw(self.kept.ledger.cancel("default", self.task.name, active.id).instance)
            self.cancelled += 1

    def _retry(self) -> None:
        young = (one for _, one in sorted(self.instances.items()) if one.finished and self.kept.now_us - one.created_us < MANUAL_RETRY_US)
        one = next(young, None)
        if one is not None:
            try:
                self._saw(self.kept.ledger.retry("default", self.task.name, one.id).instance)
            except StateConflict as error:
                raise AssertionError(f"refused: {error}") from error
