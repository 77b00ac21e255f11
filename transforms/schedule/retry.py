"""How often, and how long, an instance is tried."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HISTORY_US", "MANUAL_RETRY_US", "RetryLimits"]

_SECOND = 1_000_000
MANUAL_RETRY_US = 7 * 86_400 * _SECOND
"""How long after its creation an instance may be retried by hand, in microseconds."""
HISTORY_US = 14 * 86_400 * _SECOND
"""How long instances are kept, in microseconds."""


@dataclass(frozen=True)
class RetryLimits:
    """Both limits are looked at when an attempt fails: a running attempt is not cut.

    Attributes:
        max_retries: attempts after the first.
        max_run_time: seconds since the first attempt began.
        first_wait, longest_wait: seconds between attempts; the wait doubles each time. 0: no wait.
    """

    max_retries: int = 20
    max_run_time: int = 600
    first_wait: float = 1
    longest_wait: float = 60

    def next_attempt_us(self, first_began_us: int, attempts: int, failed_us: int) -> int | None:
        """When to try again after so many attempts, or None when the budget is spent; all in microseconds."""
        spent = failed_us - first_began_us
        if attempts > self.max_retries or spent > self.max_run_time * _SECOND:
            return None
        wait = min(self.longest_wait, self.first_wait * 2.0 ** min(attempts - 1, 32))
        # The last attempt begins in time rather than not at all.
        return failed_us + min(round(wait * _SECOND), max(0, self.max_run_time * _SECOND - spent))
