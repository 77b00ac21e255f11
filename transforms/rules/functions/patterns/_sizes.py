"""How large a result may grow."""

from __future__ import annotations

__all__ = ["LARGEST", "Measure"]

LARGEST = 10_000_000
"""Characters of a result."""


class Measure:
    """Adds up what a result holds. Raises ValueError when that is more than `LARGEST`."""

    def __init__(self) -> None:
        self._size = 0

    def add(self, size: int) -> None:
        """Some more characters."""
        self._size += size
        if self._size > LARGEST:
            raise ValueError(f"the result would have more than {LARGEST:,} characters")
