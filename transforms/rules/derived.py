"""What is worked out once of a value of a rule, and kept while the value is in use: an index of a dictionary, its parsed queries."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["Derived"]

Made = TypeVar("Made")

_IDLE_SECONDS = 60.0


class Derived(Generic[Made]):
    """Keeps what ``make`` gave for an object, by the object's identity.

    Something that nobody asked for in a minute is dropped when something new comes, so that older versions of a resource do not pile up.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        self._kept: dict[int, tuple[Any, Made, float]] = {}

    def of(self, value: Any) -> Made:
        """What was made of this very object, which must not change."""
        now = time.monotonic()
        kept = self._kept.get(id(value))
        if kept is None or kept[0] is not value:
            for key, (_, _, used) in list(self._kept.items()):
                if now - used > _IDLE_SECONDS:
                    self._kept.pop(key, None)
            kept = (value, self._make(value), now)
        self._kept[id(value)] = (kept[0], kept[1], now)
        return kept[1]
