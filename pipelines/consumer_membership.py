"""A consumer's place in its group: heartbeats in the background, and which shards it may work on because of them."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from types import TracebackType

from transforms.core.errors import AlreadyExists, LogsluiceError, NotFound, ParameterInvalid, StoreError
from transforms.stores.consumer_group import Assignment, ConsumerGroups

__all__ = ["Membership"]

_log = logging.getLogger(__name__)
_MOST_SECONDS = 5.0
_STANDING_BY_SECONDS = 1.0
"""Who has no shard looks more often: one may have been let go for it."""


class Membership:
    """Joins when its block begins and leaves when it ends, which frees the shards at once.

    ``groups`` is used by the background alone while the block lasts. A shard that the group gave counts as worked on, and is reported so,
    until `let_go`: without that an heir could begin while this consumer still does. ``stopping`` says that waiting for the name is of no
    use any more; then nothing is joined. Who gives the ``incarnation`` can leave the group for this process once it is surely gone.
    """

    def __init__(
        self,
        groups: ConsumerGroups,
        group: str,
        consumer: str,
        beat_seconds: float | None,
        stopping: Callable[[], bool],
        incarnation: str = "",
    ) -> None:
        if beat_seconds is not None and beat_seconds <= 0:
            raise ParameterInvalid(f"a heartbeat every {beat_seconds} s is not possible", hint="give a number above 0, or none")
        self.changed = threading.Event()
        """Set when there may be something to do."""
        self._groups = groups
        self._group = group
        self._consumer = consumer
        self._incarnation = incarnation or uuid.uuid4().hex
        self._beat_seconds = beat_seconds
        self._stopping = stopping
        self._timeout_s = 1.0
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._told: dict[int, Assignment] = {}
        self._beaten = 0.0
        self._failure: BaseException | None = None
        self._wake = threading.Event()
        self._over = self._joined = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Membership:
        self._joined = self._join()
        if self._joined:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._joined:
            return
        self._over = True
        self._wake.set()
        self._thread.join()
        try:
            self._groups.leave(self._group, self._consumer, incarnation=self._incarnation)
        except (NotFound, AlreadyExists):
            _log.info("%s had left the group %s before", self._consumer, self._group)
        except StoreError as failure:
            _log.warning(
                "%s could not leave the group %s, its shards are free after the time-out: %s", self._consumer, self._group, failure
            )

    def told(self) -> dict[int, Assignment]:
        """The shards to work on now; none when the last heartbeat is longer ago than the time-out: others may have them.

        Raises what the group answered when it will have this consumer no more.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            return dict(self._told) if time.monotonic() - self._beaten <= self._timeout_s else {}

    def held(self) -> frozenset[int]:
        """The shards that are reported as worked on."""
        with self._lock:
            return frozenset(self._held)

    def let_go(self, shard: int) -> None:
        """No work on a shard goes on; the group hears of it at once."""
        with self._lock:
            self._held.discard(shard)
            self._told.pop(shard, None)
        self._wake.set()

    def beat_soon(self) -> None:
        """Do not wait for the next heartbeat's turn."""
        self._wake.set()

    def beaten(self) -> float:
        """When the last heartbeat was sent that was answered, on the monotonic clock."""
        with self._lock:
            return self._beaten

    def _join(self) -> bool:
        self._learn_timeout()
        until = time.monotonic() + self._timeout_s + 1
        waits = False
        while not self._stopping():
            try:
                self._beat()
            except AlreadyExists as taken:
                # Probably an earlier process of this name that was killed: it is gone after the time-out.
                if time.monotonic() > until:
                    raise
                if not waits:
                    _log.warning("%s; waiting up to %.0f s", taken, self._timeout_s)
                waits = True
                time.sleep(min(0.5, self._timeout_s / 4))
            else:
                return True
        return False

    def _run(self) -> None:
        try:
            while not self._over:
                most = self._beat_seconds or min(_MOST_SECONDS, self._timeout_s / 4)
                self._wake.wait(most if self.held() else min(most, _STANDING_BY_SECONDS))
                self._wake.clear()
                if not self._over:
                    self._beat_unless_unanswered()
        except BaseException as failure:  # noqa: BLE001 (raised by the consumer's own thread)
            with self._lock:
                self._failure, self._told = failure, {}
        self.changed.set()

    def _beat_unless_unanswered(self) -> None:
        try:
            self._beat()
            self._learn_timeout()
        except StoreError as failure:
            _log.warning("a heartbeat of %s was not answered: %s", self._consumer, failure)
        except LogsluiceError as refusal:
            if refusal.code != "NotExistConsumerWithBody":
                raise
            # Silent for too long. What is in hand is let go first; then the next heartbeat joins again.
            _log.warning("%s was silent for too long and has lost its shards", self._consumer)
            with self._lock:
                self._told = {}
            self.changed.set()

    def _beat(self) -> None:
        sent, held = time.monotonic(), sorted(self.held())
        answer = self._groups.heartbeat(self._group, self._consumer, held, incarnation=self._incarnation)
        with self._lock:
            told = {one.shard: one for one in answer}
            moved = told.keys() ^ self._told.keys()
            self._told = told
            self._held.update(told)
            self._beaten = sent
        if moved:
            self.changed.set()

    def _learn_timeout(self) -> None:
        for group in self._groups.list():
            if group.name == self._group:
                self._timeout_s = float(group.timeout_s)
