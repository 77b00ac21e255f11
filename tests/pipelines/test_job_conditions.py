"""Conditions of alert rules about jobs: how they are written, when they hold; and the views of a job's figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.jobs.job_conditions import JobCondition, holds, read_condition
from pipelines.jobs.job_figures import MINUTE_US, JobFigures, MinuteTotal, ShardFigures, by_minute, rates_between
from pipelines.jobs.job_watch import figures_lines, shown_figures
from tests.pipelines.test_alerts import refusal, rules
from transforms.jobs.job import Job, JobState
from transforms.jobs.ledger import MinuteFigures
from transforms.stores.slice import SliceCounts

NOW = 30_000_000 * MINUTE_US + 20_000_000
"""Twenty seconds into a minute."""
MINUTE = NOW - NOW % MINUTE_US


def figures(*minutes: tuple[int, int, int], state: JobState = JobState.RUNNING, lag_us: int | None = 0, started_us: int = 1) -> JobFigures:
    """``minutes``: (how many ago, delivered, dead); 0 is the present one."""
    job = Job("default", "clean", "j1", ("default", "web"), 1, 1, 1, state, started_us=started_us)
    totals = tuple(
        MinuteTotal(MINUTE - ago * MINUTE_US, SliceCounts(good + bad, good, 0, bad)) for ago, good, bad in sorted(minutes, reverse=True)
    )
    shards = (
        ShardFigures(0, "already_alloc", "i-1", 0, 3.0, SliceCounts(30, 30)),
        ShardFigures(1, "not_alloc", "", lag_us, 0.0, SliceCounts(5, 3, 1, 1)),
    )
    return JobFigures(job, NOW, ("i-1",), shards, totals, SliceCounts(35, 33, 1, 1))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("lag > 120", JobCondition("lag", 120)),
        ("lag>0", JobCondition("lag", 0)),
        ("errors", JobCondition("errors", 0, 5)),
        ("errors > 10 in 1 minute", JobCondition("errors", 10, 1)),
        (" accept < 40000 in 5 minutes ", JobCondition("accept", 40_000, 5)),
        ("delivered < 60 % of yesterday", JobCondition("delivered", 60, 5)),
        ("delivered < 60% of yesterday in 30 minutes", JobCondition("delivered", 60, 30)),
        ("job failed", JobCondition("job failed")),
        ("lag > soon", None),
        ("accept < 10", None),
        ("errors > 3", None),
        ("errors > 3 in 0 minutes", None),
        ("accept < 3 in 721 minutes", None),
        ("failed", None),
    ],
)
def test_conditions_are_read(text: str, condition: JobCondition | None) -> None:
    assert read_condition(text) == condition


def told(text: str, found: JobFigures) -> bool | None:
    condition = read_condition(text)
    assert condition is not None
    return holds(condition, found)


def test_lag_is_the_largest_of_the_shards() -> None:
    assert told("lag > 10", figures(lag_us=10_000_001)) is True
    assert told("lag > 10", figures(lag_us=10_000_000)) is False
    assert told("lag > 10", figures(lag_us=None)) is True, "a job that cannot be read on is behind"


def test_errors_are_told_at_once_and_forgotten_after_their_minutes() -> None:
    assert told("errors", figures((0, 5, 1))) is True
    assert told("errors", figures((0, 5, 0), (5, 5, 1))) is True
    assert told("errors", figures((0, 5, 0), (6, 5, 1))) is False
    assert told("errors > 3 in 1 minute", figures((0, 5, 2), (1, 5, 1))) is False
    assert told("errors > 3 in 1 minute", figures((0, 5, 2), (1, 5, 2))) is True


def test_silence_is_told_of_whole_minutes_that_the_job_ran_through() -> None:
    assert told("accept < 10 in 2 minutes", figures((0, 100, 0), (1, 4, 0), (2, 5, 0))) is True
    assert told("accept < 10 in 2 minutes", figures((1, 5, 0), (2, 5, 0))) is False
    assert told("accept < 10 in 2 minutes", figures()) is True
    assert told("accept < 10 in 2 minutes", figures(started_us=MINUTE - 2 * MINUTE_US)) is True
    assert told("accept < 10 in 2 minutes", figures(started_us=MINUTE - 2 * MINUTE_US + 1)) is None


def test_yesterday_is_the_same_minutes_a_day_ago() -> None:
    day = 1_440
    assert told("delivered < 60 % of yesterday in 1 minute", figures((1, 59, 0), (day + 1, 100, 0))) is True
    assert told("delivered < 60 % of yesterday in 1 minute", figures((1, 60, 0), (day + 1, 100, 0))) is False
    assert told("delivered < 60 % of yesterday in 1 minute", figures((1, 1, 0), (day, 100, 0), (day + 2, 100, 0))) is False
    assert told("delivered < 60 % of yesterday", figures()) is False, "a job that had nothing yesterday lacks nothing"
    condition = read_condition("delivered < 60 % of yesterday in 1 minute")
    assert condition is not None and condition.needs_minutes == day + 1


def test_only_a_failed_job_is_judged_when_it_does_not_run() -> None:
    for state in JobState:
        late, failed = told("lag > 0", figures(state=state, lag_us=5)), told("job failed", figures(state=state))
        if not state.steady:
            assert (late, failed) == (None, None)
        else:
            assert (late, failed) == (state is JobState.RUNNING, state is JobState.FAILED)


def test_rules_about_jobs_are_read_with_their_places(tmp_path: Path) -> None:
    slow, every = rules(
        tmp_path,
        "rules:\n- {name: slow, job: clean-.*, when: lag > 120, command: [page]}\n- {name: all, when: job failed, command: [page]}\n",
    )
    assert (
        slow.condition == JobCondition("lag", 120) and slow.concerns("default", "clean-all") and not slow.concerns("default", "unclean-all")
    )
    assert every.condition == JobCondition("job failed") and every.concerns("any", "job")
    said = refusal(
        tmp_path,
        "rules:\n- {name: a, task: x, when: lag > 120, command: [page]}\n- {name: b, job: x, when: failed, command: [page]}\n"
        "- {name: c, job: x, when: lag > many, command: [page]}\n- {name: d, job: '*', when: errors, command: [page]}\n",
    )
    for words in (
        "write job: instead of task:",
        "write task: instead of job:",
        "unknown condition 'lag > many'",
        "accept < N in M minutes",
        "no regular expression",
    ):
        assert words in said, f"{words!r} is not in:\n{said}"


def test_minutes_are_the_sums_of_their_shards() -> None:
    ones = [
        MinuteFigures(MINUTE - MINUTE_US, 0, SliceCounts(3, 2, 1)),
        MinuteFigures(MINUTE - MINUTE_US, 1, SliceCounts(1, 0, 0, 1)),
        MinuteFigures(MINUTE, 1, SliceCounts(7, 7)),
    ]
    assert by_minute(ones) == (MinuteTotal(MINUTE - MINUTE_US, SliceCounts(4, 2, 1, 1)), MinuteTotal(MINUTE, SliceCounts(7, 7)))
    assert by_minute([]) == ()


def test_rates_between_two_looks() -> None:
    before = figures()
    shards = tuple(replace(one, counts=one.counts + SliceCounts(20, 20)) for one in before.shards)
    now = replace(before, at_us=NOW + 4_000_000, shards=shards)
    assert [one.per_second for one in rates_between(before, now).shards] == [5.0, 5.0]
    again = replace(now, job=replace(now.job, generation=2))
    assert rates_between(before, again) == again, "a rerun counts from nothing"
    assert rates_between(before, before) == before


def test_lines_and_values_of_a_job() -> None:
    found = figures((0, 5, 0), (1, 1_200, 1), lag_us=2_500_000)
    assert figures_lines(found) == [
        "clean  RUNNING  2.5 s behind  3 logs/s  1 instance, 1 of 2 shards read",
        "",
        "          accept  delivered  dropped  failed",
        f"{_clock(MINUTE - MINUTE_US)}      1,201      1,200        0       1",
        f"{_clock(MINUTE)}          5          5        0       0",
        "in total      35         33        1       1   94.3 % delivered",
        "",
        "shard  state          instance    lag  logs/s  accept",
        "0      already_alloc  i-1         0 s       3      30",
        "1      not_alloc      -         2.5 s       0       5",
    ]
    told = shown_figures(found)
    assert (told["lag_us"], told["active_shards"], told["instances"]) == (2_500_000, 1, ["i-1"])
    assert told["total"] == {"accept": 35, "delivered": 33, "dropped": 1, "failed": 1}
    assert [minute["accept"] for minute in told["minutes"]] == [1_201, 5]
    lost = figures(lag_us=None, state=JobState.FAILED)
    assert "cleaned away" in figures_lines(lost)[0] and shown_figures(lost)["lag_us"] is None


def _clock(minute_us: int) -> str:
    seconds = minute_us // 1_000_000
    return f"{seconds // 3_600 % 24:02}:{seconds // 60 % 60:02}"


def test_a_minute_that_has_just_ended_is_not_whole_yet() -> None:
    found = replace(figures((1, 100, 0), (2, 4, 0), (3, 4, 0)), at_us=MINUTE + 4_000_000)
    assert told("accept < 10 in 2 minutes", found) is True, "the last minute but one and the one before"
    assert told("accept < 10 in 2 minutes", replace(found, at_us=MINUTE + 5_000_000)) is False
