"""Turns of the ledger, on SQLite and on MariaDB: who may run what, for how long, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.schedule.sql_ledger import SECOND, Kept, made
from tests.schedule.tasks import START
from transforms.core.errors import CommitConflict, ParameterInvalid
from transforms.schedule.failure import WORKER_LOST, Failure
from transforms.schedule.instance import InstanceState, StateConflict
from transforms.schedule.ledger import Outcome
from transforms.schedule.plan import Wait
from transforms.schedule.sql_time_window import parse_expression

BAD = Failure("SQLFailed", "die Spalte “pv” fehlt – 列不存在")


def test_a_turn_from_claim_to_end(kept: Kept) -> None:
    ledger = kept.ledger
    kept.at(-100)
    entry = ledger.create_task(made())
    assert kept.waits() == Wait(START * SECOND, "planned")
    kept.at(5)
    turn = kept.claim(worker="one", lease=20)
    assert (turn.number, turn.worker, turn.lease_us, turn.entry) == (1, "one", kept.now_us + 20 * SECOND, entry)
    one = turn.instance
    assert (one.schedule_time, one.state, one.created_us, one.origin) == (START, "RUNNING", kept.now_us, "schedule")
    assert kept.waits() == Wait(turn.lease_us, "running")
    kept.at(10)
    assert ledger.renew(turn, 20) == kept.now_us + 20 * SECOND
    outcome = Outcome(1, 2, 3, 4, 5, 6, 7, ("a note", "“another”"))
    ended = ledger.succeed(turn, outcome)
    assert (ended.outcome, ended.instance.state, ended.instance.end_us, ended.turn) == (outcome, "SUCCEEDED", kept.now_us, 1)
    assert ledger.instance("default", "per-minute", one.id) == ended == ledger.instance("default", "per-minute", str(START))
    assert kept.waits() == Wait((START + 600) * SECOND, "planned")


def test_attempts_until_the_budget_is_spent_then_the_next_instance(kept: Kept) -> None:
    kept.ledger.create_task(made(maxRetries=2))
    numbers = []
    for wait in (1, 2, None):
        turn = kept.claim()
        numbers.append(turn.number)
        entry = kept.ledger.fail(turn, BAD)
        assert entry.instance.failure == BAD
        if wait is not None:
            assert entry.instance.state == "STARTING" and kept.waits() == Wait(kept.now_us + wait * SECOND, "retrying")
            kept.now_us += wait * SECOND
    assert (numbers, entry.instance.state, entry.instance.retries) == ([1, 2, 3], "FAILED", 2)
    kept.at(600)
    assert kept.claim().instance.schedule_time == START + 600


def test_a_lease_that_ran_out_is_taken_over_and_its_worker_finds_out(kept: Kept) -> None:
    kept.ledger.create_task(made())
    lost = kept.claim(worker="lost", lease=10)
    kept.at(10)
    wait = kept.waits()
    assert wait == Wait(kept.now_us + SECOND, "retrying"), "the attempt of the old turn has failed"
    entry = kept.ledger.instance("default", "per-minute", str(START))
    assert (entry.instance.state, entry.instance.failure) == ("STARTING", WORKER_LOST)
    for late in (lambda: kept.ledger.renew(lost, 10), lambda: kept.ledger.succeed(lost, Outcome()), lambda: kept.ledger.fail(lost, BAD)):
        with pytest.raises(CommitConflict) as refused:
            late()
        assert refused.value.code == "InstanceSuperseded"
    assert kept.ledger.instance("default", "per-minute", str(START)) == entry
    kept.at(11)
    again = kept.claim(worker="next")
    assert (again.number, again.instance.schedule_time) == (2, START)
    with pytest.raises(CommitConflict):
        kept.ledger.succeed(lost, Outcome())
    assert kept.ledger.succeed(again, Outcome()).instance.state == "SUCCEEDED"


def test_a_slow_worker_that_nobody_missed_still_reports(kept: Kept) -> None:
    kept.ledger.create_task(made())
    turn = kept.claim(lease=10)
    kept.at(500)
    assert kept.ledger.renew(turn, 10) == kept.now_us + 10 * SECOND
    kept.at(511)
    assert kept.ledger.succeed(turn, Outcome()).instance.state == "SUCCEEDED"


def test_one_schedule_time_by_hand(kept: Kept) -> None:
    ledger = kept.ledger
    ledger.create_task(made())
    kept.at(3_000)
    turn = ledger.claim_at("default", "per-minute", START + 1_200, "hand", 30)
    assert (turn.instance.origin, turn.instance.window.end) == ("backfill", START + 1_200)
    with pytest.raises(CommitConflict) as busy:
        ledger.claim_at("default", "per-minute", START, "other", 30)
    assert busy.value.code == "TaskBusy"
    ledger.succeed(turn, Outcome())
    times = [kept.run(0).instance.schedule_time for _ in range(5)]
    assert times == [START + step * 600 for step in (0, 1, 3, 4, 5)], "the schedule leaves out what is there"
    assert ledger.progress("default", "per-minute").taken == frozenset()
    assert ledger.forget(kept.now_us + 1) == 4, "once the schedule has passed it, it may be forgotten like any other"
    kept.now_us += 1
    ledger.succeed(ledger.claim_at("default", "per-minute", START + 1_200, "hand", 30), Outcome())
    again = ledger.claim_at("default", "per-minute", START + 1_200, "hand", 30)
    assert [run.trigger for run in again.instance.runs] == ["backfill", "manual"] and again.number == 8
    ledger.fail(again, BAD)
    at_once = ledger.claim_at("default", "per-minute", START + 1_200, "hand", 30)
    assert len(at_once.instance.run.attempts) == 2, "its next attempt, before its time"
    ledger.succeed(at_once, Outcome())
    for wrong in (START + 601, START + 6_000):
        with pytest.raises(ParameterInvalid):
            ledger.claim_at("default", "per-minute", wrong, "hand", 30)
    kept.at(8 * 86_400)
    with pytest.raises(StateConflict):
        ledger.claim_at("default", "per-minute", START, "hand", 30)


def test_instances_without_a_window_fail_at_once_and_hold_up_nothing(kept: Kept) -> None:
    """Only an older Logsluice, with other limits, can have made such a task."""
    ledger = kept.ledger
    entry = ledger.create_task(made())
    hour = parse_expression("@h")
    ledger._parsed[(entry.schedule_id, 1)] = replace(entry.task, window=replace(entry.task.window, start=hour))
    kept.at(3_700)
    found = [kept.run(0).instance.schedule_time for _ in range(5)]
    assert found == [START + step * 600 for step in (1, 2, 3, 4, 5)], "at a full hour the window is empty"
    failed, _ = ledger.list_instances("default", "per-minute", states=[InstanceState.FAILED])
    assert [one.instance.schedule_time for one in failed] == [START]
    failure = failed[0].instance.failure
    assert failure is not None and failure.code == "WindowInvalid" and "the window is empty" in failure.message
    wait = kept.waits()
    assert wait.reason == "planned"
    with pytest.raises(ParameterInvalid, match="cannot run"):
        ledger.claim_at("default", "per-minute", START, "hand", 30)
    ledger.retry("default", "per-minute", str(START))
    wait = kept.waits()
    assert ledger.instance("default", "per-minute", str(START)).instance.state == "FAILED", "asked for again it fails again, at once"


def test_many_impossible_windows_are_made_in_portions(kept: Kept) -> None:
    entry = kept.ledger.create_task(made())
    same = parse_expression("@m")
    kept.ledger._parsed[(entry.schedule_id, 1)] = replace(entry.task, window=replace(entry.task.window, start=same))
    kept.at(600 * 249)
    waits = [kept.waits() for _ in range(3)]
    assert [wait.until_us for wait in waits] == [kept.now_us, kept.now_us, (START + 250 * 600) * SECOND]
    assert kept.ledger.list_instances("default", "per-minute")[1] == 250
