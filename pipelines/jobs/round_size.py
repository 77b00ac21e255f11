"""How many logs an instance takes at a time: as many as it transforms in some seconds, measured."""

from __future__ import annotations

__all__ = ["RoundSize"]

_FIRST = 8_192
_LEAST = 256
_MOST = 500_000
"""Also what one computation holds in memory is bounded by it."""


class RoundSize:
    """Follows what rounds take: a round that was full and quick makes the next one larger, at most twice; one that took too long, smaller.

    Args:
        seconds: that a round with more than enough to read shall take.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._rows = _FIRST

    @property
    def rows(self) -> int:
        """Logs of the next round, of all shards together."""
        return self._rows

    def took(self, rows: int, seconds: float) -> None:
        """So many logs were transformed in so many seconds. What is waited for a store afterwards does not depend on the logs."""
        factor = self._seconds / max(seconds, 1e-3)
        if factor < 1:
            self._rows = max(_LEAST, round(min(rows, self._rows) * max(0.5, factor)))
        elif 5 * rows >= 4 * self._rows:
            self._rows = min(_MOST, round(self._rows * min(2.0, factor)))
