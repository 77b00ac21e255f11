"""Half-open intervals ``[start, end)`` of whole numbers; what they measure is the user's affair (mostly Unix seconds)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALL_TIME", "Interval"]

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
