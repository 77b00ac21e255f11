"""How many logs an instance takes at a time: as many as it transforms in some seconds, measured."""

from __future__ import annotations

__all__ = ["RoundSize"]

_FIRST = 8_192
_LEAST = 2_048
"""Where a round takes its time whatever its size, smaller ones would only be more of them."""
_MOST = 500_000
"""Also what one computation holds in memory is bounded by it."""


class RoundSize:
    """Follows what rounds take: a round that was full and quick makes the next one larger, at most four times; one that was full and took too
    long, smaller, at least half.

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

    def took(self, seconds: float, *, full: bool) -> None:
        """A round took so long; ``full``: some shard had more to read than that. What is waited for a store afterwards does not depend on
        the logs and does not count."""
        if full:  # what few logs take says nothing of many
            factor = min(4.0, max(0.5, self._seconds / max(seconds, 1e-3)))
            self._rows = min(_MOST, max(_LEAST, round(self._rows * factor)))
