"""Half-open intervals ``[start, end)`` of whole numbers; what they measure is the user's affair (mostly Unix seconds)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["ALL_TIME", "Interval", "aligned_pieces", "merged", "within", "without"]

_FAR = 2**62


@dataclass(frozen=True, order=True)
class Interval:
    """``start`` belongs to it, ``end`` does not. Empty intervals are refused where a user gives them, not here."""

    start: int
    end: int

    def __contains__(self, value: int) -> bool:
        return self.start <= value < self.end

    @property
    def unbounded(self) -> bool:
        """True when neither end limits anything."""
        return self.start <= -_FAR and self.end >= _FAR

    @property
    def has_start(self) -> bool:
        return self.start > -_FAR

    @property
    def has_end(self) -> bool:
        return self.end < _FAR

    def overlaps(self, low: int, high: int) -> bool:
        """Whether any value of the closed range ``low..high`` lies inside."""
        return low < self.end and high >= self.start

    @staticmethod
    def of(start: int | None, end: int | None) -> Interval:
        """From ends that may be missing; a missing one does not limit."""
        return Interval(-_FAR if start is None else start, _FAR if end is None else end)


ALL_TIME = Interval(-_FAR, _FAR)


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same numbers in as few intervals as possible, in order; empty ones disappear."""
    found: list[Interval] = []
    for one in sorted(interval for interval in intervals if interval.start < interval.end):
        if found and one.start <= found[-1].end:
            found[-1] = Interval(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return tuple(found)


def without(wanted: Interval, taken: Iterable[Interval]) -> tuple[Interval, ...]:
    """What is left of an interval when others are taken out, in order."""
    left: list[Interval] = []
    at = wanted.start
    for one in merged(taken):
        if one.end <= at or one.start >= wanted.end:
            continue
        if one.start > at:
            left.append(Interval(at, one.start))
        at = max(at, one.end)
    if at < wanted.end:
        left.append(Interval(at, wanted.end))
    return tuple(left)


def within(value: int, ordered: Sequence[Interval]) -> Interval | None:
    """The one of some intervals that a value is in, or None. They are in order and do not overlap."""
    place = bisect_right(ordered, value, key=lambda one: one.start) - 1
    return ordered[place] if place >= 0 and value < ordered[place].end else None


def aligned_pieces(interval: Interval, width: int) -> tuple[Interval, ...]:
    """An interval cut at the multiples of ``width``."""
    pieces: list[Interval] = []
    at = interval.start
    while at < interval.end:
        end = min(interval.end, (at // width + 1) * width)
        pieces.append(Interval(at, end))
        at = end
    return tuple(pieces)
