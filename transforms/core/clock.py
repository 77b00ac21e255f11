"""Time as a value: below the command line nothing asks the system for the time."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "FixedClock", "SystemClock"]


class Clock(Protocol):
    """Tells the time in microseconds since 1970 UTC, and waits."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FixedClock:
    """A clock that stands until it is moved; ``sleep`` moves it."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        return self._now_us

    def sleep(self, seconds: float) -> None:
        self._now_us += round(seconds * 1_000_000)

    def set(self, now_us: int) -> None:
        """Move to a moment, backwards too."""
        self._now_us = now_us
