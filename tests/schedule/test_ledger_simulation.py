"""Weeks in seconds on a real database: two schedulers and a backfill, edits, outages, zombies, cancels, retries, clocks that are set; the rules hold."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from tests.ledger_database import DATABASES
from tests.schedule.ledger_simulation import LedgerSimulation
from tests.schedule.simulation import SECOND, Event
from tests.schedule.sql_ledger import Kept
from tests.schedule.tasks import START, task
from tests.schedule.test_simulation import DAY, MONTHS, Rules, outcomes
from transforms.schedule.plan import Progress


def walk(kept: Kept, seed: int, length: int, events: int) -> LedgerSimulation:
    chance = random.Random(seed)
    schedules: list[dict[str, Any]] = [
        {"type": "FixedRate", "interval": chance.choice(("10m", "17m", "30m"))},
        {"type": "Cron", "cronExpression": "0/20 * * * *", "timeZone": "Europe/Berlin"},
        {"type": "Cron", "cronExpression": "30 1,2 * * *", "timeZone": "America/New_York", "delay": 60},
        {"type": "Hourly", "timeZone": "Australia/Lord_Howe", "delay": 120},
    ]
    begin = START + 150 * DAY + seed * 7_201
    variants = [task(schedule, fromTime=begin, maxRetries=3, maxRunTimeInSeconds=300) for schedule in schedules]
    rules = Rules()
    simulation = LedgerSimulation(kept, variants[0], (begin + 5_000) * SECOND, outcomes(chance, 900), rules)  # type: ignore[arg-type]
    happened = []
    for _ in range(events):
        at_us = simulation.created_us + chance.randrange(length) * SECOND
        kind = chance.choice(("edit", "retry", "cancel", "disable", "down", "down", "down", "down", "clock", "backfill", "backfill"))
        if kind in ("disable", "down"):
            pause = chance.choice((60, 900, 2_000)) * SECOND
            happened += [Event(at_us, kind), Event(at_us + pause, "enable" if kind == "disable" else "up")]
        elif kind == "clock":
            happened += [Event(at_us, kind, shift_us=chance.choice((-900, -1, 30, 600)) * SECOND), Event(at_us + 7_200 * SECOND, kind)]
        else:
            happened.append(Event(at_us, kind, task=chance.choice(variants)))
    simulation.run(happened, simulation.created_us + length * SECOND)
    assert rules.events > length // 7_200
    return simulation


def the_whole_is_right(simulation: LedgerSimulation) -> None:
    entries, _ = simulation.kept.ledger.list_instances("default", simulation.task.name, size=-1)
    assert {one.instance.schedule_time: one.instance for one in entries} == simulation.instances, "the ledger knows what happened"
    found = simulation.progress()
    instances = [one.instance for one in reversed(entries)]
    gathered = Progress.of(found.schedule_id, simulation.created_us, instances, simulation.enabled)
    assert replace(found, open=tuple(sorted(found.open, key=lambda one: one.schedule_time)), free_us=0) == replace(gathered, free_us=0)
    # What was given up counts as having worked until then: the turn was free only later.
    assert found.free_us >= gathered.free_us
    for entry in entries:
        if entry.instance.state == "SUCCEEDED":
            assert entry.outcome is not None and entry.outcome.rows_written <= entry.turn
    assert simulation.refused and simulation.taken_over and simulation.cancelled and simulation.finished > 2


@pytest.mark.parametrize("kept", DATABASES, indirect=True)
def test_two_schedulers_and_backfills_for_days(kept: Kept) -> None:
    the_whole_is_right(walk(kept, 1 if kept.url.startswith("sqlite") else 2, 2 * DAY, 90))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kept", DATABASES, indirect=True)
def test_two_schedulers_and_backfills_for_three_months(kept: Kept, seed: int) -> None:
    the_whole_is_right(walk(kept, seed, MONTHS, 2_000))
