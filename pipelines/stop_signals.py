"""Ctrl-C and SIGTERM as something that a loop waits for, beside pipes."""

from __future__ import annotations

import signal
import socket
from types import FrameType, TracebackType
from typing import Any

__all__ = ["StopSignals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Counts the signals while its block lasts, which runs in the main thread; readable (`multiprocessing.connection.wait`) when one came."""

    def __init__(self) -> None:
        self._count = 0
        self._reader, self._writer = socket.socketpair()
        self._before: dict[int, Any] = {}
        self._wakeup = -1

    def __enter__(self) -> StopSignals:
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._arrived) for number in _SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        """What to wait for."""
        return self._reader.fileno()

    @property
    def count(self) -> int:
        """How many came so far, for threads other than the one that waits."""
        return self._count

    def received(self) -> int:
        """How many came so far."""
        while True:
            try:
                if not self._reader.recv(64):
                    return self._count
            except BlockingIOError:
                return self._count

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
