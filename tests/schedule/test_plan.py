"""What a task does next, edits, and what a backfill runs."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import islice

import pytest

from tests.schedule.tasks import START, at, task
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.schedule.backfill import plan_backfill
from transforms.schedule.failure import Failure
from transforms.schedule.instance import Instance, make_instance
from transforms.schedule.plan import Begin, Make, Progress, Wait, due, next_step, upcoming
from transforms.schedule.retry import RetryLimits
from transforms.schedule.task_edit import check_edit

SECOND = 1_000_000
FAILED = Failure("SQLFailed", "no")


def done(schedule_time: int, minutes: int = 10, *, well: bool = True, origin: str = "schedule") -> Instance:
    window = Interval(schedule_time - 60 * minutes, schedule_time)
    one = make_instance("plan-1", schedule_time, window, schedule_time * SECOND, "backfill" if origin == "backfill" else "schedule")
    ended = (schedule_time + 5) * SECOND
    return one.succeed(ended) if well else one.fail(ended, FAILED, RetryLimits(0))


def progress(*instances: Instance, enabled: bool = True) -> Progress:
    return Progress.of("plan-1", START * SECOND, instances, enabled)


def test_the_first_instance_waits_for_its_time_and_its_delay() -> None:
    late = task({"type": "FixedRate", "interval": "10m", "delay": 30})
    assert next_step(late, progress(), START * SECOND) == Wait((START + 30) * SECOND, "planned")
    assert next_step(late, progress(), (START + 30) * SECOND) == Make(START, Interval(START - 600, START))


def test_one_at_a_time_and_a_retry_goes_first() -> None:
    running = make_instance("plan-1", START, Interval(START - 600, START), START * SECOND)
    now = (START + 3_600) * SECOND
    assert next_step(task(), progress(running), now) == Wait(None, "running")
    between = running.fail(now, FAILED, RetryLimits(5, 7_200))
    assert next_step(task(), progress(between), now) == Wait(now + SECOND, "retrying")
    assert next_step(task(), progress(between), now + SECOND) == Begin(between)
    queued = done(START).retry(now)
    assert next_step(task(), progress(queued), now) == Begin(queued)
    other = done(START + 600).retry(now - 1)
    assert next_step(task(), progress(queued, other), now) == Begin(other)
    assert next_step(task(), progress(queued, other, make_instance("plan-1", START + 1_200, Interval(0, 60), now)), now) == Wait(
        None, "running"
    )


def test_disabled_tasks_make_nothing_new_but_retry() -> None:
    now = (START + 3_600) * SECOND
    assert next_step(task(), progress(enabled=False), now) == Wait(None, "disabled")
    assert list(due(task(), progress(enabled=False), now)) == []
    queued = done(START).retry(now)
    assert next_step(task(), progress(queued, enabled=False), now) == Begin(queued)


def test_the_end_is_not_part_of_the_plan() -> None:
    closed = task(toTime=START + 1_200)
    assert list(upcoming(closed, progress())) == [START, START + 600]
    assert next_step(closed, progress(done(START), done(START + 600)), (START + 9_999) * SECOND) == Wait(None, "ended")
    assert list(upcoming(task(toTime=START + 1_201), progress(done(START)))) == [START + 600, START + 1_200]


def test_due_counts_what_is_behind() -> None:
    assert list(due(task(), progress(done(START)), (START + 1_800) * SECOND)) == [START + 600, START + 1_200, START + 1_800]
    assert list(due(task(), progress(), (START - 1) * SECOND)) == []


def test_a_plan_is_never_made_out_in_full() -> None:
    daily = task({"type": "Daily", "hour": 3}, fromTimeExpr="-24h")
    assert len(list(islice(upcoming(daily, progress()), 3))) == 3


def test_what_a_backfill_made_is_not_made_again_when_the_end_moves() -> None:
    made = progress(done(START), done(START + 600, origin="backfill"))
    assert made.last == START
    assert next(upcoming(task(), made)) == START + 1_200


def test_an_edit_goes_on_from_the_last_schedule_time() -> None:
    slower = task({"type": "FixedRate", "interval": "1h"})
    assert next(upcoming(slower, progress(done(START + 600)))) == START + 4_200
    hourly = task({"type": "Hourly"})
    assert next(upcoming(hourly, progress(done(START + 600)))) == START + 3_600


def test_what_cannot_be_edited_is_said_at_once() -> None:
    before = task()
    check_edit(before, task(fromTime=START + 60), last=None)
    check_edit(before, task(toTime=START + 60, maxRetries=1), last=START)
    with pytest.raises(ParameterInvalid) as caught:
        check_edit(before, task(fromTime=START + 60, sourceLogstore="other"), last=START)
    assert caught.value.message == "configuration.sourceLogstore cannot be changed"
    assert "problem 2 of 2: configuration.fromTime cannot be changed once there are instances" in (caught.value.hint or "")
    with pytest.raises(ParameterInvalid, match="name"):
        check_edit(before, replace(before, name="other"), last=None)
    with pytest.raises(ParameterInvalid, match="dataFormat"):
        check_edit(before, replace(before, data_format="log2metric"), last=None)


def test_an_edit_is_checked_where_its_windows_will_lie() -> None:
    # Rounded to the hour, the window is a minute long at every full hour, and empty at half past.
    hourly = task({"type": "FixedRate", "interval": "1h"}, fromTimeExpr="-1m", toTimeExpr="@h")
    check_edit(task(), hourly, last=START)
    with pytest.raises(ParameterInvalid, match="the window is empty"):
        check_edit(task(), hourly, last=START + 1_800)


def windows(plan: object) -> list[tuple[int, str]]:
    return [(one.schedule_time, one.reason) for one in plan.windows()]  # type: ignore[attr-defined]


def test_a_backfill_before_the_plan_goes_back_in_step() -> None:
    ledger = [done(START), done(START + 600)]
    plan = plan_backfill(task(), progress(*ledger), ledger, Interval(START - 1_500, START + 600))
    assert windows(plan) == [(START - 1_200, "missing"), (START - 600, "missing")]
    assert plan.span() == Interval(START - 1_800, START - 600)
    again = plan_backfill(task(), progress(*ledger), ledger, Interval(START - 700, START + 601), again=True)
    assert windows(again) == [(START - 600, "missing"), (START, "again"), (START + 600, "again")]


def test_a_backfill_repeats_what_failed_with_its_own_window() -> None:
    wide = done(START + 600, 60, well=False)
    ledger = [done(START), wide, done(START + 1_200)]
    plan = plan_backfill(task(), progress(*ledger), ledger, Interval(START, START + 1_800))
    assert windows(plan) == [(START + 600, "failed")]
    assert next(plan.windows()).window == wide.window
    assert next(plan.windows()).instance is wide


def test_windows_that_are_done_or_going_on_are_left_alone() -> None:
    running = make_instance("plan-1", START + 600, Interval(START, START + 600), (START + 600) * SECOND)
    earlier = done(START - 600, origin="backfill")
    ledger = [earlier, done(START), running]
    plan = plan_backfill(task(), progress(*ledger), ledger, Interval(START - 1_200, START + 1_200))
    assert windows(plan) == [(START - 1_200, "missing")]
    assert plan.left_out == (running,)


def test_the_schedule_makes_its_own_windows() -> None:
    with pytest.raises(ParameterInvalid, match="the schedule itself will make these windows"):
        plan_backfill(task(), progress(done(START)), [], Interval(START + 600, START + 6_000))
    with pytest.raises(ParameterInvalid, match="empty"):
        plan_backfill(task(), progress(), [], Interval(START, START))
    closed = task(toTime=START + 1_200)
    ledger = [done(START), done(START + 600)]
    plan = plan_backfill(closed, progress(*ledger), ledger, Interval(START, START + 2_400))
    assert windows(plan) == [(START + 1_200, "missing"), (START + 1_800, "missing")]


def test_a_backfill_after_an_edit_keeps_in_step_with_the_last_windows() -> None:
    # Every ten minutes, then every seven from 10:10 on; the plan ended at 10:17.
    edited = task({"type": "FixedRate", "interval": "7m"}, fromTimeExpr="@m-7m", toTime=START + 1_021)
    ledger = [done(START), done(START + 600), done(START + 1_020, 7)]
    plan = plan_backfill(edited, progress(*ledger), ledger, Interval(START - 420, START + 1_861), again=True)
    times = [START - 420, START, START + 600, START + 1_020, START + 1_440, START + 1_860]
    assert [one.schedule_time for one in plan.windows()] == times
    assert [one.reason for one in plan.windows()] == ["missing", "again", "again", "again", "missing", "missing"]


def test_a_clock_set_back_does_not_start_an_instance_before_the_one_before_ended() -> None:
    window = Interval(START - 600, START)
    slow = make_instance("plan-1", START, window, START * SECOND).succeed((START + 700) * SECOND)
    assert next_step(task(), progress(slow), (START + 650) * SECOND) == Wait((START + 700) * SECOND, "planned")


def test_forgotten_instances_are_run_again_only_when_all_are() -> None:
    made = Progress("plan-1", START * SECOND, first=START, last=START + 6_000)
    kept = [done(at("11:00")), done(at("11:10")), done(at("11:20")), done(at("11:30")), done(at("11:40"))]
    within = Interval(START, START + 6_001)
    assert windows(plan_backfill(task(), made, kept, within, forgotten_before=at("11:00"))) == []
    again = plan_backfill(task(), made, kept, within, again=True, forgotten_before=at("11:00"))
    assert windows(again) == [(START + 600 * step, "missing" if step < 6 else "again") for step in range(11)]


def test_a_long_backfill_is_made_window_by_window() -> None:
    plan = plan_backfill(task({"type": "FixedRate", "interval": "1s"}), progress(), [], Interval(0, START))
    assert [one.schedule_time for one in islice(plan.windows(), 3)] == [0, 1, 2]


def test_tasks_and_plans_travel_between_processes() -> None:
    one = task({"type": "Cron", "cronExpression": "0 2 * * *", "timeZone": "Europe/Berlin"}, fromTimeExpr="-23h")
    back = pickle.loads(pickle.dumps(one))
    assert back == one
    assert list(islice(upcoming(back, progress()), 3)) == list(islice(upcoming(one, progress()), 3))
    assert repr(back).count("document") == 0
