"""Two schedulers and a backfill on one ledger in a real database, under a clock that jumps: `simulation` with turns and leases."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.schedule.simulation import FAILED, SECOND, Event, Outcome
from tests.schedule.sql_ledger import Kept
from transforms.core.errors import CommitConflict
from transforms.core.interval import Interval
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
    turn: kinds.Turn | kinds.BackfillTurn | None = None
    ends_us: int = 0
    well: bool = True
    renews_us: int = 0
    frozen: bool = False


@dataclass
class LedgerSimulation:
    """As `Simulation`. The events ``down`` and ``up`` freeze one of those who work, in turns, and wake all of them; ``backfill`` asks for
    one of the hours before, unless one is going on, and ``cancel`` gives up an instance, or that backfill."""

    kept: Kept
    task: Task
    created_us: int
    outcome: Callable[[Instance, int, int], Outcome]
    check: Callable[[LedgerSimulation], None]
    schedulers: tuple[Scheduler, ...] = field(default_factory=lambda: (Scheduler("one"), Scheduler("two"), Scheduler("filler")))
    instances: dict[int, Instance] = field(default_factory=dict)
    snapshots: dict[int, Task] = field(default_factory=dict)
    current: dict[tuple[int, int], Task] = field(default_factory=dict)
    enabled: bool = True
    down: bool = False
    true_us: int = 0
    shift_us: int = 0
    holder: kinds.Turn | kinds.BackfillTurn | None = None
    numbers: list[int] = field(default_factory=list)
    refused: int = 0
    taken_over: int = 0
    cancelled: int = 0
    leases: dict[int, int] = field(default_factory=dict)
    backfill: int = 0
    filled: list[int] = field(default_factory=list)
    finished: int = 0

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

    def _report(self, turn: kinds.Turn | kinds.BackfillTurn, well: bool) -> None:
        ledger = self.kept.ledger
        if isinstance(turn, kinds.BackfillTurn):
            kept = [one for one in turn.windows if well or one.schedule_time % 7]
            good, bad = {"outcome": kinds.Outcome(rows_written=turn.number)}, {"failure": FAILED}
            ledger.finish_backfill_turn(
                turn,
                [kinds.WindowResult(one.schedule_time, **(good if one.schedule_time % 5 else bad)) for one in kept],
            )
            self.filled += [one.schedule_time for one in kept]
            for one in kept:
                self.instances[one.schedule_time] = ledger.instance("default", self.task.name, str(one.schedule_time)).instance
            return
        entry = ledger.succeed(turn, kinds.Outcome(rows_written=turn.number)) if well else ledger.fail(turn, FAILED)
        self._saw(entry.instance)

    def _ask(self, scheduler: Scheduler) -> Wait | None:
        if scheduler.turn is not None or scheduler.frozen:
            return None
        if scheduler.name == "filler":
            return self._fill(scheduler)
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

    def _fill(self, scheduler: Scheduler) -> Wait | None:
        if not self.backfill:
            return None
        found = self.kept.ledger.claim_backfill("default", self.task.name, self.backfill, 4, scheduler.name, LEASE)
        self._look_for_loss()
        if isinstance(found, kinds.BackfillTurn):
            self._hold(found)
            scheduler.turn, scheduler.well = found, found.number % 3 > 0
            scheduler.ends_us = self.true_us + (found.number % 400) * SECOND
            scheduler.renews_us = self.true_us + _RENEWED_EVERY
            return None
        if found is None:
            entry = self.kept.ledger.backfill("default", self.task.name, self.backfill)[0]
            assert entry.state == "finished" and entry.succeeded + entry.failed == len(self.filled) == len(set(self.filled))
            self.backfill, self.filled = 0, []
            self.finished += 1
        return found

    def _hold(self, turn: kinds.Turn | kinds.BackfillTurn) -> None:
        assert self.holder is None, f"turn {turn.number} was given while {self.holder and self.holder.number} is held"
        assert not self.numbers or turn.number > self.numbers[-1], "a number was given twice"
        self.numbers.append(turn.number)
        self.holder, self.leases[turn.number] = turn, turn.lease_us

    def _begun(self, turn: kinds.Turn) -> None:
        one = turn.instance
        self._hold(turn)
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
        turn = self.holder
        if self.kept.now_us >= self.leases[turn.number]:
            self.holder = None
            self.taken_over += 1
            if isinstance(turn, kinds.BackfillTurn):
                return
            at = turn.instance.schedule_time
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
        elif event.kind == "backfill":
            first = self.progress().first
            if first is not None and not self.backfill:
                latest = max(self.instances)
                within = Interval(max(first - 3_600, latest - 10_800), latest + 1)
                asked = ledger.create_backfill("default", name, within, again=event.at_us % 2 == 0, reason="walk")
                self.backfill = asked.number
        else:
            self._retry()

    def _cancel(self) -> None:
        if isinstance(self.holder, kinds.BackfillTurn):
            self.kept.ledger.cancel_backfill("default", self.task.name, self.holder.backfill)
            self.holder, self.backfill, self.filled = None, 0, []
            self.cancelled += 1
            return
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
