"""One thing that rules load from outside: waited for the first time, kept up to date in the background, shared by all threads."""

from __future__ import annotations

import atexit
import logging
import math
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from transforms.core.errors import LogsluiceError, StoreUnavailable

__all__ = ["Refreshed", "Retry"]

_log = logging.getLogger(__name__)
_Thing = TypeVar("_Thing")
_LEAST_INTERVAL = 0.05
_MOST_INTERVAL = 30 * 86_400.0
_LAST_SECONDS = 2.0


class Retry:
    """Pauses between tries: ``base`` seconds, then double each time, ``most`` at most; ``patience``: how long to go on trying."""

    def __init__(self, base: float, most: float, patience: float = math.inf) -> None:
        self._base = min(max(base, _LEAST_INTERVAL), _MOST_INTERVAL)
        self._most = min(max(most, self._base), _MOST_INTERVAL)
        self.patience = patience
        self._next = self._base

    def pause(self) -> float:
        """Seconds before the next try."""
        now = self._next
        self._next = min(self._most, now * 2)
        return now

    def reset(self) -> None:
        """It worked."""
        self._next = self._base


class Refreshed(Generic[_Thing]):
    """A thing that is loaded when it is first asked for and may be loaded again from time to time.

    A source that does not answer at first is tried until ``retry.patience`` ends; any other error is raised at once, and again to
    who asks within the next pause, so that a wrong password is not tried with each log. A refresh that fails keeps what there is.

    Args:
        name: what it is, for messages.
        load: makes it: StoreUnavailable when trying again may help.
        refresh: the newer one from the one there is; the same object when nothing has changed.
        interval: seconds between refreshes; 0 = none.
        retry: its pauses.
    """

    def __init__(
        self, name: str, load: Callable[[], _Thing], refresh: Callable[[_Thing], _Thing] | None, interval: float, retry: Retry
    ) -> None:
        self._name = name
        self._load = load
        self._refresh = refresh
        self._interval = min(max(interval, _LEAST_INTERVAL), _MOST_INTERVAL) if interval > 0 and refresh is not None else 0.0
        self._retry = retry
        self._lock = threading.Lock()
        self._loaded = False
        self._thing: _Thing
        self._refused: tuple[float, LogsluiceError] | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def get(self) -> _Thing:
        """The newest there is. Raises what loading raises."""
        if not self._loaded:
            with self._lock:
                if not self._loaded:
                    self._first()
        return self._thing

    def close(self, wait: float = 0.0) -> None:
        """No more refreshes; what is loaded stays. Waits for one that is under way."""
        self._ended.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(wait)

    def _first(self) -> None:
        if self._refused is not None and time.monotonic() < self._refused[0]:
            error = self._refused[1]
            raise type(error)(error.message, hint=error.hint, location=error.location, code=error.code)
        end = time.monotonic() + self._retry.patience
        while True:
            try:
                self._thing = self._load()
            except StoreUnavailable as error:
                pause, left = self._retry.pause(), end - time.monotonic()
                if left <= 0:
                    self._refused = (time.monotonic() + pause, error)
                    raise
                pause = min(pause, left)
                _log.warning("%s cannot be loaded: %s; trying again in %g seconds", self._name, error, pause)
                if self._ended.wait(pause):
                    raise
            except LogsluiceError as error:
                self._refused = (time.monotonic() + self._retry.pause(), error)
                raise
            else:
                break
        self._retry.reset()
        self._loaded = True
        if self._interval:
            self._thread = threading.Thread(
                target=_run, args=(weakref.ref(self), self._ended, self._interval), name=f"refresh of {self._name}", daemon=True
            )
            weakref.finalize(self, self._ended.set)
            _running.add(self)
            self._thread.start()

    def _again(self) -> float:
        """Refresh once; gives the seconds until the next time."""
        assert self._refresh is not None
        try:
            self._thing = self._refresh(self._thing)
        except Exception as error:  # noqa: BLE001 - a thread that ends would leave the data old for ever, and unnoticed
            pause = self._retry.pause()
            _log.warning(
                "%s cannot be refreshed, what was loaded before stays: %s; trying again in %g seconds",
                self._name, _told(error), pause,
            )  # fmt: skip
            return pause
        self._retry.reset()
        return self._interval


def _run(one: weakref.ref[Refreshed[_Thing]], ended: threading.Event, pause: float) -> None:
    """The thread's work; it keeps nobody alive."""
    while not ended.wait(pause):
        refreshed = one()
        if refreshed is None:
            return
        pause = refreshed._again()
        del refreshed


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, LogsluiceError) else f"{type(error).__name__}: {error}"


_running: weakref.WeakSet[Refreshed[Any]] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    """A thread inside a library must not meet the interpreter's end."""
    running = list(_running)
    for one in running:
        one._ended.set()
    end = time.monotonic() + _LAST_SECONDS
    for one in running:
        one.close(max(0.0, end - time.monotonic()))
