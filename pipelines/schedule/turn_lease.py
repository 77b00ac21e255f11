"""Holding a turn while its attempt runs: the lease is renewed in the background, and its loss ends the attempt."""

from __future__ import annotations

import _thread
import threading
from types import TracebackType

from transforms.core.errors import CommitConflict, LogsluiceError, StoreUnavailable
from transforms.schedule.ledger import BackfillTurn, ScheduleLedger, Turn

__all__ = ["LEASE_SECONDS", "HeldTurn"]

LEASE_SECONDS = 30.0
"""After so long without a sign of life a worker counts as gone."""


class HeldTurn:
    """Renews a turn's lease until the block ends, which runs in the main thread.

    When the turn is lost (taken over after a pause, or cancelled) the block is interrupted, and CommitConflict with code
    ``InstanceSuperseded`` is raised out of it. A ledger that does not answer for a while is asked again until the lease has run out.
    """

    def __init__(self, ledger: ScheduleLedger, turn: Turn | BackfillTurn, lease_seconds: float = LEASE_SECONDS) -> None:
        self._ledger = ledger
        self._turn = turn
        self._lease_seconds = lease_seconds
        self._over = threading.Event()
        self._lost: LogsluiceError | None = None
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> HeldTurn:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        if self._lost is not None and (error is None or isinstance(error, KeyboardInterrupt)):
            raise self._lost from None

    def _renew(self) -> None:
        unanswered = 0
        while not self._over.wait(self._lease_seconds / 3):
            try:
                self._ledger.renew(self._turn, self._lease_seconds)
                unanswered = 0
            except StoreUnavailable as error:
                unanswered += 1
                if unanswered < 3:
                    continue
                self._end(error)
                return
            except CommitConflict as error:
                self._end(error)
                return

    def _end(self, error: LogsluiceError) -> None:
        self._lost = error
        if not self._over.is_set():
            _thread.interrupt_main()
