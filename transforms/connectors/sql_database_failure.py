"""What a database's refusal means to the person who asked: a short reason, what to do, and whether trying again may help."""

from __future__ import annotations

from dataclasses import dataclass

from transforms.core.errors import StoreError, StoreRejected, StoreUnavailable

__all__ = ["Failure"]

_LONGEST = 400


@dataclass(frozen=True)
class Failure:
    """One driver error, understood.

    Attributes:
        reason: the server's own words, shortened.
        hint: what to do next.
        passing: it may work later (a restart, a lock, too many connections).
        retry: a reader may try again at once: the server is starting, or closed an idle connection.
        undone: the server has undone the whole transaction in favour of another: started over, it may pass.
        duplicate: a unique index forbids a row.
    """

    reason: str
    hint: str | None = None
    passing: bool = False
    retry: bool = False
    undone: bool = False
    duplicate: bool = False

    def error(self, store: str, what: str) -> StoreError:
        """The error to raise: ``ExternalStore 'store': what: reason``."""
        reason = " ".join(self.reason.split())
        if len(reason) > _LONGEST:
            reason = reason[:_LONGEST] + "…"
        kind = StoreUnavailable if self.passing else StoreRejected
        return kind(f"ExternalStore {store!r}: {what}: {reason}", hint=self.hint)
