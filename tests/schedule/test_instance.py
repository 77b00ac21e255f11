"""The state machine of instances: what each step does, and what no walk through it can break."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.core.errors import NotFound, SqlError, StoreUnavailable
from transforms.core.interval import Interval
from transforms.schedule.failure import CANCELLED, Failure, failure_of
from transforms.schedule.instance import Instance, InstanceState, StateConflict, instance_id, make_instance
from transforms.schedule.instance_record import instance_of, record_of
from transforms.schedule.retry import MANUAL_RETRY_US, RetryLimits

SECOND = 1_000_000
WINDOW = Interval(540, 600)
FAILED = Failure("SQLFailed", "division by zero")
EDGES = {
    "RUNNING": {"RUNNING", "SUCCEEDED", "FAILED", "STARTING"},
    "STARTING": {"STARTING", "RUNNING", "FAILED", "SUCCEEDED"},
    "SUCCEEDED": {"SUCCEEDED", "STARTING"},
    "FAILED": {"FAILED", "STARTING"},
}


def made(now_us: int = 600 * SECOND) -> Instance:
    return make_instance("plan-1", 600, WINDOW, now_us)


def check(one: Instance, limits: RetryLimits) -> None:
    assert (one.id, one.schedule_time, one.window, one.created_us) == (made().id, 600, WINDOW, 600 * SECOND)
    for run in one.runs[:-1]:
        assert run.attempts and run.attempts[-1].ended_us is not None
    for run in one.runs:
        assert len(run.attempts) <= limits.max_retries + 1
        for attempt in run.attempts[:-1]:
            assert attempt.failure is not None and attempt.ended_us is not None and attempt.ended_us >= attempt.began_us
    last = one.run.attempts[-1] if one.run.attempts else None
    if one.state == "RUNNING":
        assert last is not None and last.ended_us is None and last.failure is None and one.end_us is None
    elif one.state == "SUCCEEDED":
        assert last is not None and last.failure is None and one.end_us == last.ended_us is not None
    elif one.state == "FAILED":
        assert last is not None and last.failure is not None and one.end_us == last.ended_us is not None
    else:
        assert last is None or last.failure is not None
        assert one.end_us is None
    assert instance_of(json.loads(json.dumps(record_of(one)))) == one
    assert one.queued == (one.state == "STARTING" and last is None)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["begin", "succeed", "fail", "fail", "retry", "late", "cancel"]), st.integers(-5, 400)), max_size=60
    ),
    st.integers(0, 4),
    st.integers(60, 1_800),
)
def test_no_walk_breaks_an_instance(steps: list[tuple[str, int]], retries: int, run_time: int) -> None:
    limits = RetryLimits(retries, run_time)
    one, now = made(), 600 * SECOND
    check(one, limits)
    for verb, seconds in steps:
        now += seconds * SECOND
        before = one
        try:
            if verb == "fail":
                one = one.fail(now, FAILED, limits)
            elif verb in ("retry", "late"):
                one = one.retry(now, "manual" if verb == "retry" else "late")
            else:
                one = getattr(one, verb)(now)
        except StateConflict as refused:
            assert one is before and refused.hint
            continue
        assert str(one.state) in EDGES[str(before.state)]
        check(one, limits)
        if before.state == "RUNNING" and one.state == "STARTING":
            assert now <= one.next_attempt_us <= max(now, one.run.attempts[0].began_us + run_time * SECOND)


def test_a_retry_waits_longer_each_time_but_never_past_the_budget() -> None:
    limits = RetryLimits(20, 600)
    one, waits = made(0), []
    now = 0
    while True:
        one = one.fail(now, FAILED, limits)
        if one.finished:
            break
        waits.append((one.next_attempt_us - now) // SECOND)
        now = one.next_attempt_us
        one = one.begin(now)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60, 57, 0, 0, 0, 0, 0]
    assert one.retries == 20 and one.state == "FAILED"


def test_a_failure_after_the_time_limit_is_the_last() -> None:
    limits = RetryLimits(20, 600)
    one = made(0).fail(600 * SECOND, FAILED, limits)
    assert one.state == "STARTING"
    assert one.begin(600 * SECOND).fail(600 * SECOND + 1, FAILED, limits).state == "FAILED"


def test_a_run_asked_for_has_a_budget_of_its_own() -> None:
    limits = RetryLimits(1, 600)
    one = made(0).fail(0, FAILED, limits).begin(0).fail(0, FAILED, limits)
    assert one.state == "FAILED"
    again = one.retry(700 * SECOND).begin(800 * SECOND).fail(810 * SECOND, FAILED, limits)
    assert again.state == "STARTING"
    assert again.begin(811 * SECOND).succeed(812 * SECOND).end_us == 812 * SECOND


def test_retries_are_for_instances_that_have_ended_and_are_young() -> None:
    with pytest.raises(StateConflict, match="is RUNNING"):
        made().retry(0)
    done = made().succeed(601 * SECOND)
    assert done.retry(done.created_us + MANUAL_RETRY_US).state == "STARTING"
    with pytest.raises(StateConflict, match="more than 7 days ago") as caught:
        done.retry(done.created_us + MANUAL_RETRY_US + 1)
    assert caught.value.hint == "run its window again with a backfill"


def test_cancelling_says_so_and_a_retry_that_never_began_leaves_no_trace() -> None:
    assert made().cancel(601 * SECOND).failure == CANCELLED
    between = made().fail(601 * SECOND, FAILED, RetryLimits()).cancel(602 * SECOND)
    assert (between.state, between.failure) == ("FAILED", CANCELLED)
    done = made().succeed(601 * SECOND)
    assert done.retry(700 * SECOND).cancel(701 * SECOND) == done
    failed = made().fail(601 * SECOND, FAILED, RetryLimits(0))
    assert failed.retry(700 * SECOND).cancel(701 * SECOND) == failed
    with pytest.raises(StateConflict, match="has ended"):
        done.cancel(700 * SECOND)


def test_a_clock_set_back_does_not_end_an_attempt_before_its_beginning() -> None:
    assert made().succeed(0).end_us == 600 * SECOND


def test_ids_belong_to_one_creation_of_a_task_and_a_schedule_time() -> None:
    assert instance_id("plan-1", 600) == instance_id("plan-1", 600) == made().id
    assert len({instance_id("plan-1", 600), instance_id("plan-2", 600), instance_id("plan-1", 660)}) == 3
    at_times = [instance_id("plan-1", at) for at in (9, 60, 999_999_999, 1_000_000_000, 1_767_225_600)]
    assert at_times == sorted(at_times)
    assert InstanceState(made().state) is InstanceState.RUNNING


def test_codes_of_failures() -> None:
    assert failure_of(SqlError("no such column")).code == "SQLFailed"
    assert failure_of(NotFound("gone", code="LogStoreNotExist")) == Failure("LogStoreNotExist", "gone")
    assert failure_of(StoreUnavailable("down")).code == "StoreUnavailable"
    assert failure_of(ZeroDivisionError()) == Failure("InternalError", "ZeroDivisionError")
    assert len(failure_of(ValueError("x" * 10_000)).message) == 2_000
