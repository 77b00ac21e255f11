"""Counting what is done while it is done: whoever works tells a name and a number, whoever shows progress listens.

Beam's metrics are complete, but a local runner shows them only at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["listening", "tell"]

_listeners: dict[str, list[Callable[[int], None]]] = {}


def tell(name: str, count: int) -> None:
    """``count`` more are done; nobody need listen."""
    for listener in _listeners.get(name, ()):
        listener(count)


@contextmanager
def listening(name: str, listener: Callable[[int], None]) -> Iterator[None]:
    """Be told, within this process."""
    _listeners.setdefault(name, []).append(listener)
    try:
        yield
    finally:
        _listeners[name].remove(listener)
