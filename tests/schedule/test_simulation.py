"""Three months in seconds: edits, outages, slow runs, failures, retries, clocks that change and are set; the rules hold at every event."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.schedule.simulation import SECOND, Event, Outcome, Simulation
from tests.schedule.tasks import START, task
from transforms.schedule.instance import Instance
from transforms.schedule.plan import Progress, due
from transforms.schedule.task import Task

DAY = 86_400
MONTHS = 92 * DAY


class Rules:
    """Looks at the simulation after every change, and at the whole at the end."""

    def __init__(self) -> None:
        self.events = 0
        self.last_made: int | None = None
        self.seen: dict[int, tuple[Any, ...]] = {}

    def __call__(self, simulation: Simulation) -> None:
        self.events += 1
        progress = simulation.progress()
        active = [one for one in progress.open if not one.queued]
        assert len(active) <= 1, "two instances in execution"
        latest = progress.last
        assert latest is not None
        if latest != self.last_made:
            assert self.last_made is None or latest > self.last_made, "made out of order"
            self._made(simulation, simulation.instances[latest])
            self.last_made = latest
        for one in active:
            fixed = (one.id, one.schedule_time, one.window, one.created_us)
            assert self.seen.setdefault(one.schedule_time, fixed) == fixed, "an instance changed what it is"

    def _made(self, simulation: Simulation, one: Instance) -> None:
        plan = simulation.snapshots[one.schedule_time]
        expected = plan.first_schedule_time() if self.last_made is None else plan.schedule_time_after(self.last_made)
        assert one.schedule_time == expected, "a schedule time was skipped or invented"
        assert one.window == plan.window_at(one.schedule_time)
        assert one.schedule_time in plan.range
        assert one.created_us >= max((one.schedule_time + plan.delay) * SECOND, simulation.created_us)
        assert simulation.enabled and not simulation.down


def timely(simulation: Simulation) -> None:
    """Without edits, outages and retries an instance begins at its time, or when the one before ends."""
    free = simulation.created_us
    for at, one in sorted(simulation.instances.items()):
        assert one.created_us == max((at + simulation.task.delay) * SECOND, free)
        free = one.end_us or free


def outcomes(chance: random.Random, longest: int) -> Any:
    def outcome(instance: Instance, run: int, attempt: int) -> Outcome:
        seconds = chance.choice((1, 5, 20, longest))
        return seconds * SECOND + chance.randrange(SECOND), chance.random() < 0.8, False

    return outcome


@pytest.mark.parametrize("seed", range(4))
def test_three_months_of_everything(seed: int) -> None:
    chance = random.Random(seed)
    rules = Rules()
    schedules: list[dict[str, Any]] = [
        {"type": "FixedRate", "interval": chance.choice(("10m", "17m", "30m"))},
        {"type": "Cron", "cronExpression": "0/20 * * * *", "timeZone": "Europe/Berlin"},
        {"type": "Cron", "cronExpression": "30 1,2 * * *", "timeZone": "America/New_York", "delay": 60},
        {"type": "Hourly", "timeZone": "Australia/Lord_Howe", "delay": 120},
        {"type": "Daily", "hour": 2, "timeZone": "America/Havana"},
    ]
    # The three months hold the end of summer time in most zones.
    begin = START + 150 * DAY + seed * 7_201
    limits = {"maxRetries": 3, "maxRunTimeInSeconds": 300}
    variants = [task(schedule, fromTime=begin, **limits) for schedule in schedules]
    simulation = Simulation(variants[0], (begin + 5_000) * SECOND, outcomes(chance, 900), rules)
    events = []
    for _ in range(60):
        at_us = simulation.created_us + chance.randrange(MONTHS) * SECOND
        kind = chance.choice(("edit", "retry", "disable", "down", "clock"))
        if kind in ("disable", "down"):
            length = chance.choice((60, 3_600, 2 * DAY)) * SECOND
            events += [Event(at_us, kind), Event(at_us + length, "enable" if kind == "disable" else "up")]
        elif kind == "clock":
            events += [Event(at_us, kind, shift_us=chance.choice((-7_200, -1, 30, 600)) * SECOND), Event(at_us + DAY * SECOND, kind)]
        else:
            events.append(Event(at_us, kind, task=chance.choice(variants)))
    began = time.process_time()
    simulation.run(events, simulation.created_us + MONTHS * SECOND)
    assert time.process_time() - began < 10
    assert rules.events > 500
    states = {str(one.state) for one in simulation.instances.values()}
    assert {"SUCCEEDED", "FAILED"} <= states
    assert any(run.trigger == "manual" for one in simulation.instances.values() for run in one.runs)
    assert simulation.progress() == gathered(simulation)


def gathered(simulation: Simulation) -> Progress:
    return Progress.of("plan-1", simulation.created_us, simulation.instances.values(), simulation.enabled)


@pytest.mark.parametrize(("schedule", "longest"), [
    ({"type": "FixedRate", "interval": "10m", "delay": 30}, 900), ({"type": "Hourly"}, 5_000), ({"type": "Cron", "cronExpression": "7/13 8-17 * * 1-5"}, 2_000),
])  # fmt: skip
def test_without_disturbance_instances_are_as_early_as_they_can_be(schedule: dict[str, Any], longest: int) -> None:
    simulation = Simulation(task(schedule), (START - 100) * SECOND, outcomes(random.Random(5), longest), Rules())
    simulation.run([], (START + 30 * DAY) * SECOND)
    timely(simulation)
    behind = list(due(simulation.task, simulation.progress(), simulation.now_us))
    assert len(simulation.instances) + len(behind) == sum(
        1 for _ in due(simulation.task, Progress("plan-1", simulation.created_us), simulation.now_us)
    )


def test_what_was_missed_while_disabled_is_made_up() -> None:
    simulation = Simulation(task(), START * SECOND, lambda one, run, attempt: (SECOND, True, False), Rules())
    simulation.run([Event((START + 601) * SECOND, "disable"), Event((START + 6_000) * SECOND, "enable")], (START + 6_100) * SECOND)
    assert sorted(simulation.instances) == [START + step * 600 for step in range(11)]
    assert simulation.instances[START + 1_200].created_us == (START + 6_000) * SECOND


def test_a_task_that_is_always_late_falls_behind_and_skips_nothing() -> None:
    minute: Task = task({"type": "FixedRate", "interval": "1m"})
    simulation = Simulation(minute, START * SECOND, lambda one, run, attempt: (90 * SECOND, True, False), Rules())
    simulation.run([], (START + DAY) * SECOND)
    assert sorted(simulation.instances) == [START + step * 60 for step in range(961)]
    assert len(list(due(minute, simulation.progress(), simulation.now_us))) == 1_441 - 961


def test_the_rules_notice_a_schedule_time_that_is_skipped() -> None:
    simulation = Simulation(task(), START * SECOND, lambda one, run, attempt: (SECOND, True, False), Rules())
    simulation.run([], (START + 700) * SECOND)
    simulation._progress = replace(simulation.progress(), last=START + 1_200)
    with pytest.raises(AssertionError, match="skipped or invented"):
        simulation.run([], (START + 3_000) * SECOND)


def test_a_retry_of_what_is_running_or_was_never_made_is_refused_and_changes_nothing() -> None:
    simulation = Simulation(task(), START * SECOND, lambda one, run, attempt: (60 * SECOND, True, False), Rules())
    asked = [Event((START + 30) * SECOND, "retry", schedule_time=START), Event((START + 90) * SECOND, "retry", schedule_time=START + 600)]
    simulation.run(asked, (START + 100) * SECOND)
    assert simulation.refused == asked
    assert [(one.state, len(one.runs)) for one in simulation.instances.values()] == [("SUCCEEDED", 1)]
