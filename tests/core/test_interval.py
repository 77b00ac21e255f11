"""Intervals against sets of whole numbers."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from transforms.core.interval import ALL_TIME, Interval, aligned_pieces, merged, within, without

ENDS = st.integers(-12, 12)
INTERVALS = st.lists(st.tuples(ENDS, ENDS).map(lambda ends: Interval(*ends)), max_size=6)


def members(*intervals: Interval) -> set[int]:
    return {number for one in intervals for number in range(one.start, one.end)}


@given(INTERVALS)
def test_merged_is_the_union_in_fewest_parts(intervals: list[Interval]) -> None:
    found = merged(intervals)
    assert members(*found) == members(*intervals)
    assert all(one.start < one.end for one in found)
    assert all(one.end < other.start for one, other in itertools.pairwise(found))


@given(st.tuples(ENDS, ENDS).map(lambda ends: Interval(*ends)), INTERVALS)
def test_without_is_the_difference(wanted: Interval, taken: list[Interval]) -> None:
    left = without(wanted, taken)
    assert members(*left) == members(wanted) - members(*taken)
    assert merged(left) == left


@given(ENDS, ENDS, st.integers(1, 5))
def test_pieces_are_the_interval_cut_at_multiples(start: int, end: int, width: int) -> None:
    pieces = aligned_pieces(Interval(start, end), width)
    assert merged(pieces) == merged([Interval(start, end)])
    assert all(one.end == other.start and one.end % width == 0 for one, other in itertools.pairwise(pieces))
    assert all(0 < one.end - one.start <= width for one in pieces)


@given(st.integers(-14, 14), INTERVALS)
def test_within_finds_the_one_that_holds_a_value(value: int, intervals: list[Interval]) -> None:
    ordered = merged(intervals)
    assert within(value, ordered) == next((one for one in ordered if value in one), None)


def test_open_ends() -> None:
    assert ALL_TIME.unbounded and Interval.of(None, None) == ALL_TIME
    half = Interval.of(3, None)
    assert half.has_start and not half.has_end and not half.unbounded and 3 in half and 2 not in half
    assert Interval(2, 4).overlaps(3, 9) and not Interval(2, 4).overlaps(4, 9) and not Interval(2, 4).overlaps(0, 1)
