"""Garbage is collected by the clock, however few objects there are; and what stays is not looked at."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from transforms.core.collector import collecting_regularly, without_collector


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


def gone(knot: weakref.ref[Knot], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while knot() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    return knot() is None


def test_garbage_is_collected_by_the_clock() -> None:
    frozen, threads = gc.get_freeze_count(), threading.active_count()
    with without_collector(), collecting_regularly(0.02):
        assert gc.get_freeze_count() > frozen
        knot = weakref.ref(Knot())
        assert knot() is not None
        assert gone(knot)
    assert gc.get_freeze_count() == 0 and threading.active_count() == threads


def test_what_was_there_before_is_not_looked_at_until_the_end() -> None:
    with without_collector():
        knot = weakref.ref(Knot())
        with collecting_regularly(0.02):
            assert not gone(knot, 0.2)
        gc.collect()
        assert knot() is None


def test_it_ends_with_an_error() -> None:
    threads = threading.active_count()
    with pytest.raises(RuntimeError, match="broken"), collecting_regularly():
        raise RuntimeError("broken")
    assert threading.active_count() == threads
