"""Backfills in the ledger, on SQLite and on MariaDB: what is run, in which turns, beside the live schedule, and what cancelling leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.schedule.sql_ledger import SECOND, Kept, made
from tests.schedule.tasks import START
from transforms.core.errors import CommitConflict, NotFound, ParameterInvalid
from transforms.core.interval import Interval
from transforms.schedule.failure import Failure
from transforms.schedule.instance import StateConflict
from transforms.schedule.ledger import BackfillTurn, LateLogsSeen, Outcome, WindowResult
from transforms.schedule.plan import Wait
from transforms.schedule.sql_time_window import parse_expression

BAD = Failure("SQLFailed", "bad")
NAME = ("default", "per-minute")


def since(start: int, end: int) -> Interval:
    return Interval(START + start, START + end)


def claim(kept: Kept, number: int = 1, most: int = 3) -> BackfillTurn:
    turn = kept.ledger.claim_backfill(*NAME, number, most, "filler", 30)
    assert isinstance(turn, BackfillTurn), turn
    return turn


def times(turn: BackfillTurn) -> list[int]:
    return [window.schedule_time - START for window in turn.windows]


def well(turn: BackfillTurn, rows: int = 1) -> list[WindowResult]:
    return [WindowResult(window.schedule_time, Outcome(rows_written=rows)) for window in turn.windows]


def with_history(kept: Kept, count: int = 6, failing: tuple[int, ...] = ()) -> None:
    """Instances of the schedule; some fail for good."""
    kept.ledger.create_task(made(maxRetries=1))
    for number in range(count):
        kept.at(number * 600)
        turn = kept.claim()
        if number in failing:
            kept.ledger.fail(turn, BAD)
            kept.now_us += SECOND
            kept.ledger.fail(kept.claim(), BAD)
        else:
            kept.ledger.succeed(turn, Outcome(rows_written=10))


def test_missing_windows_are_run_in_turns_and_their_instances_are_kept(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept)
    entry = ledger.create_backfill(*NAME, since(-3_000, 1_200), again=False, reason="the day before – 前一天")
    assert (entry.number, entry.state, entry.reason, entry.done_before) == (1, "created", "the day before – 前一天", START - 3_000)
    shown, plan = ledger.backfill(*NAME, 1)
    assert shown == entry and [one.schedule_time - START for one in plan.windows()] == [-3_000, -2_400, -1_800, -1_200, -600]
    kept.now_us += SECOND
    turn = claim(kept)
    assert (times(turn), turn.number, turn.entry.version, turn.began_us) == ([-3_000, -2_400, -1_800], 7, 1, kept.now_us)
    assert ledger.claim_backfill(*NAME, 1, 3, "other", 30) == Wait(turn.lease_us, "running")
    assert kept.waits() == Wait(turn.lease_us, "running"), "nothing else of the task runs meanwhile"
    with pytest.raises(CommitConflict):
        ledger.claim_at(*NAME, START, "hand", 30)
    assert ledger.renew(turn, 60) == kept.now_us + 60 * SECOND
    kept.now_us += 2 * SECOND
    done = ledger.finish_backfill_turn(turn, [*well(turn, 5)[:2], WindowResult(START - 1_800, failure=BAD)])
    assert (done.state, done.succeeded, done.failed, done.rows_written, done.done_before) == ("running", 2, 1, 10, START - 1_799)
    kept_one = ledger.instance(*NAME, str(START - 3_000))
    assert (kept_one.instance.state, kept_one.instance.origin, kept_one.backfill, kept_one.turn) == ("SUCCEEDED", "backfill", 1, 7)
    assert (kept_one.instance.execute_us, kept_one.instance.end_us) == (turn.began_us, kept.now_us)
    assert ledger.instance(*NAME, str(START - 1_800)).instance.failure == BAD
    turn = claim(kept)
    assert times(turn) == [-1_200, -600]
    ledger.finish_backfill_turn(turn, well(turn))
    assert ledger.claim_backfill(*NAME, 1, 3, "filler", 30) is None
    (ended,) = ledger.list_backfills(*NAME)
    assert (ended.state, ended.ended_us, ended.succeeded, ended.failed) == ("finished", kept.now_us, 4, 1)
    assert list(ledger.backfill(*NAME, 1)[1].windows()) == []
    assert ledger.claim_backfill(*NAME, 1, 3, "filler", 30) is None
    assert len(ledger.unreported()) == 11
    with pytest.raises(CommitConflict):
        ledger.finish_backfill_turn(turn, well(turn))


def test_again_runs_what_succeeded_and_replaces_its_record(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept, failing=(2,))
    ledger.record_late(*NAME, str(START), 0, LateLogsSeen(3, 9))
    ledger.mark_reported(ledger.unreported())
    ledger.update_task(made(script="* | select 2 as two", maxRetries=1))
    ledger.create_backfill(*NAME, since(0, 1_800), again=False, reason="failed ones")
    turn = claim(kept)
    assert [(window.reason, window.schedule_time - START) for window in turn.windows] == [("failed", 1_200)]
    ledger.finish_backfill_turn(turn, well(turn))
    ledger.create_backfill(*NAME, since(0, 1_800), again=True, reason="all")
    turn = claim(kept, 2)
    assert [window.reason for window in turn.windows] == ["again"] * 3
    ledger.finish_backfill_turn(turn, well(turn, 7))
    entry = ledger.instance(*NAME, str(START + 1_200))
    assert [run.trigger for run in entry.instance.runs] == ["schedule", "backfill", "backfill"]
    assert (entry.version, entry.backfill, entry.outcome) == (2, 2, Outcome(rows_written=7))
    assert not ledger.instance(*NAME, str(START)).stale
    assert len(ledger.unreported()) == 3
    assert [one.number for one in ledger.list_backfills("default")] == [1, 2]


def test_windows_without_a_result_are_claimed_again_and_the_others_not(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept)
    ledger.create_backfill(*NAME, since(0, 3_000), again=True, reason="all")
    turn = claim(kept, most=4)
    given = [result for result in well(turn) if result.schedule_time != START + 600]
    assert ledger.finish_backfill_turn(turn, given).done_before == START + 600
    turn = claim(kept, most=4)
    assert times(turn) == [600, 2_400]
    with pytest.raises(ParameterInvalid):
        ledger.finish_backfill_turn(turn, [WindowResult(START, Outcome())])
    assert ledger.finish_backfill_turn(turn, []).succeeded == 3
    turn = claim(kept, most=4)
    assert times(turn) == [600, 2_400]


def test_a_worker_that_is_gone_leaves_its_windows_to_the_next(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept)
    ledger.create_backfill(*NAME, since(-1_200, 0), again=False, reason="before")
    lost = claim(kept)
    kept.now_us += 30 * SECOND
    turn = claim(kept)
    assert times(turn) == times(lost) and turn.number == lost.number + 1
    for call in (lambda: ledger.renew(lost, 1), lambda: ledger.finish_backfill_turn(lost, well(lost))):
        with pytest.raises(CommitConflict) as refused:
            call()
        assert refused.value.code == "InstanceSuperseded"
    assert ledger.finish_backfill_turn(turn, well(turn)).succeeded == 2


def test_the_live_schedule_goes_between_two_turns_and_nobody_waits_for_a_scheduler_that_is_not_there(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept)
    ledger.create_backfill(*NAME, since(-6_000, 0), again=False, reason="before")
    kept.at(3_600)
    turn = claim(kept)
    ledger.finish_backfill_turn(turn, well(turn))
    wait = ledger.claim_backfill(*NAME, 1, 3, "filler", 30)
    assert wait == Wait(kept.now_us + 3 * SECOND, "planned"), "10:60 is due"
    live = kept.claim()
    assert live.instance.schedule_time == START + 3_600
    ledger.succeed(live, Outcome())
    kept.at(4_200)
    turn = claim(kept)
    assert times(turn) == [-4_200, -3_600, -3_000], "it was the backfill's turn"
    ledger.finish_backfill_turn(turn, well(turn))
    kept.at(4_203)
    assert times(claim(kept)) == [-2_400, -1_800, -1_200], "no scheduler took what is due"


def test_an_instance_between_its_attempts_keeps_its_turn(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept)
    ledger.create_backfill(*NAME, since(-6_000, 0), again=False, reason="before")
    kept.at(3_600)
    ledger.fail(kept.claim(), BAD)
    assert ledger.claim_backfill(*NAME, 1, 3, "filler", 30) == Wait(kept.now_us + SECOND, "retrying")
    kept.at(3_601)
    assert ledger.claim_backfill(*NAME, 1, 3, "filler", 30) == Wait(kept.now_us + 3 * SECOND, "retrying")
    ledger.succeed(kept.claim(), Outcome())
    claim(kept)


def test_a_retry_that_is_asked_for_during_a_turn_is_still_to_come(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept, 2)
    ledger.create_backfill(*NAME, since(0, 600), again=True, reason="all")
    turn = claim(kept)
    ledger.retry(*NAME, str(START))
    assert ledger.finish_backfill_turn(turn, well(turn, 7)).succeeded == 1
    entry = ledger.instance(*NAME, str(START))
    assert ([run.trigger for run in entry.instance.runs], entry.instance.state) == (["schedule", "backfill", "manual"], "STARTING")
    assert entry.outcome == Outcome(rows_written=7)
    live = kept.claim()
    assert (live.instance.schedule_time, live.number) == (START, turn.number + 1)


def test_cancelling_keeps_what_is_done_and_stops_who_works_on_it(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept)
    ledger.create_backfill(*NAME, since(-6_000, 0), again=False, reason="before")
    turn = claim(kept)
    ledger.finish_backfill_turn(turn, well(turn))
    turn = claim(kept)
    cancelled = ledger.cancel_backfill(*NAME, 1)
    assert (cancelled.state, cancelled.succeeded, cancelled.ended_us) == ("cancelled", 3, kept.now_us)
    with pytest.raises(CommitConflict):
        ledger.finish_backfill_turn(turn, well(turn))
    assert ledger.claim_backfill(*NAME, 1, 3, "filler", 30) is None
    with pytest.raises(StateConflict):
        ledger.cancel_backfill(*NAME, 1)
    assert ledger.list_instances(*NAME, within=since(-6_000, 0))[1] == 3
    with pytest.raises(NotFound) as missing:
        ledger.backfill(*NAME, 2)
    assert (missing.value.code, missing.value.hint) == ("BackfillNotExist", "it has 1")
    kept.at(3_600)
    live = kept.claim()
    with pytest.raises(NotFound):
        ledger.cancel_backfill(*NAME, 9)
    ledger.create_backfill(*NAME, since(-6_000, 0), again=False, reason="before")
    ledger.cancel_backfill(*NAME, 2)
    assert ledger.succeed(live, Outcome()).instance.state == "SUCCEEDED", "the live schedule has nothing to do with it"


def test_what_cannot_be_asked_for(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept, 1)
    for wrong in (since(0, 0), since(600, 6_000)):
        with pytest.raises(ParameterInvalid):
            ledger.create_backfill(*NAME, wrong, again=False, reason="why")
    assert ledger.list_backfills("default") == ()


def test_forgotten_instances_can_be_run_again(kept: Kept) -> None:
    ledger = kept.ledger
    with_history(kept, 10)
    ledger.forget((START + 3_000) * SECOND)
    ledger.create_backfill(*NAME, since(0, 6_000), again=False, reason="nothing is missing")
    assert ledger.claim_backfill(*NAME, 1, 99, "filler", 30) is None
    ledger.create_backfill(*NAME, since(0, 6_000), again=True, reason="all")
    assert times(claim(kept, 2, most=99)) == [step * 600 for step in range(10)]


def test_impossible_windows_fail_at_once(kept: Kept) -> None:
    ledger = kept.ledger
    entry = ledger.create_task(made())
    hour = parse_expression("@h")
    ledger._parsed[(entry.schedule_id, 1)] = replace(entry.task, window=replace(entry.task.window, start=hour))
    ledger.create_backfill(*NAME, since(-7_200, 0), again=False, reason="before")
    seen = []
    while (turn := ledger.claim_backfill(*NAME, 1, 4, "filler", 30)) is not None:
        if isinstance(turn, Wait):
            kept.now_us = max(kept.now_us, turn.until_us or 0)
            continue
        seen += times(turn)
        ledger.finish_backfill_turn(turn, well(turn))
    assert seen == [at for at in range(-7_200, 0, 600) if at % 3_600]
    done = ledger.backfill(*NAME, 1)[0]
    assert (done.state, done.succeeded, done.failed) == ("finished", 10, 2)
    failure = ledger.instance(*NAME, str(START - 3_600)).instance.failure
    assert failure is not None and failure.code == "WindowInvalid"


def test_a_range_with_more_instances_than_are_looked_at_together(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.sql_schedule_backfills._PAGE", 4)
    ledger = kept.ledger
    with_history(kept, 12, failing=(9, 11))
    ledger.create_backfill(*NAME, since(-1_200, 7_200), again=False, reason="failed ones")
    seen = []
    while isinstance(turn := ledger.claim_backfill(*NAME, 1, 1, "filler", 30), BackfillTurn):
        seen += times(turn)
        ledger.finish_backfill_turn(turn, well(turn))
    assert turn is None and seen == [-1_200, -600, 5_400, 6_600]
