"""Python's cyclic garbage collector: stretches of work that are faster without it, and processes that stay."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collecting_regularly", "without_collector"]

_EVERY_SECONDS = 60.0


@contextmanager
def without_collector() -> Iterator[None]:
    """No collections inside. For loops that make many objects and no cycles: each collection would look at all of them in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def collecting_regularly(every: float = _EVERY_SECONDS) -> Iterator[None]:
    """Inside, garbage is looked for every so many seconds, in a thread of its own. For a process that stays and has imported what it needs.

    Python looks for garbage when there are many new objects. What hangs on a few of them, a table's state or a pipeline's buffers, may be
    hundreds of megabytes by then. What there was before is not looked at, so that a collection holds the process up for less than a round takes.
    """
    over = threading.Event()

    def collect() -> None:
        while not over.wait(every):
            gc.collect()

    gc.freeze()
    thread = threading.Thread(target=collect, name="collector", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        gc.unfreeze()
