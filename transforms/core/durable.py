"""The seam at durable operations: every write that must survive a crash is announced before and after it happens.

Adapters wrap each such write in ``with durable("delta.commit"):``. In production nobody listens. Crash tests install an
observer that kills the process at one of the announced moments, so that the kill points are enumerated, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

__all__ = ["Moment", "durable", "observe"]

Moment = Literal["before", "after"]
_observer: Callable[[str, Moment], None] | None = None


def observe(observer: Callable[[str, Moment], None] | None) -> None:
    """Let ``observer(operation, moment)`` be called at every durable operation of this process; None ends it."""
    global _observer
    _observer = observer


@contextmanager
def durable(operation: str) -> Iterator[None]:
    """Announce one durable operation, named ``room.verb``. A failed operation is not announced as done."""
    if _observer is not None:
        _observer(operation, "before")
    yield
    if _observer is not None:
        _observer(operation, "after")
