"""How many logs an instance takes at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.jobs.round_size import RoundSize


def settled(rate: float, overhead: float, rounds: int = 60) -> tuple[int, float]:
    """Rows, and seconds of a round, with more than enough to read, when so many logs a second are transformed beside a fixed overhead."""
    size, seconds = RoundSize(2.0), 0.0
    for _ in range(rounds):
        seconds = overhead + size.rows / rate
        size.took(seconds, full=True)
    return size.rows, seconds


@pytest.mark.parametrize("rate", [1_500, 5_000, 50_000, 200_000])
def test_a_round_with_a_backlog_takes_about_the_time_it_shall(rate: float) -> None:
    _, seconds = settled(rate, 0.1)
    assert 1.5 < seconds < 2.5


def test_it_grows_quickly_and_no_further_than_memory_allows() -> None:
    size = RoundSize()
    first, rounds = size.rows, 0
    while size.rows < 500_000:
        size.took(0.2, full=True)
        rounds += 1
        assert size.rows <= first * 4**rounds
    assert rounds < 5
    size.took(0.2, full=True)
    assert size.rows == 500_000


def test_rounds_of_few_logs_say_nothing_of_full_ones() -> None:
    size = RoundSize()
    before = size.rows
    for _ in range(100):
        size.took(0.05, full=False)
        size.took(30, full=False)
    assert size.rows == before


def test_one_slow_round_halves_it_at_most() -> None:
    size = RoundSize()
    before = size.rows
    size.took(600, full=True)
    assert size.rows == before // 2


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 10**4)), max_size=50))
def test_whatever_is_measured_it_stays_within_its_limits(measured: list[tuple[bool, float]]) -> None:
    size = RoundSize()
    for full, seconds in measured:
        size.took(seconds, full=full)
        assert 2_048 <= size.rows <= 500_000
