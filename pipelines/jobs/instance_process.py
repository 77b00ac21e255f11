"""A running instance as its scheduler sees it: a process, what it was told, what it reports. Imports no Beam.

Both ends of the socket are this program, started by one another; nobody else has it, so values travel pickled.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from transforms.jobs.job import Job

__all__ = ["INSTANCE_PROGRAM", "Figures", "InstanceEnded", "InstanceOrder", "JobInstance", "Stop"]

INSTANCE_PROGRAM = "pipelines.jobs.instance"
_STARTING_SECONDS = 120.0
"""A new process may be silent for so long: it imports Beam, loads the rule and joins the group first."""


@dataclass(frozen=True)
class InstanceOrder:
    """What an instance is told when it starts.

    Attributes:
        home, catalogue_url: which home.
        job, definition: what it works by, to its end.
        consumer, incarnation: its name in the job's consumer group, and the process behind the name.
    """

    home: str
    catalogue_url: str | None
    job: Job
    definition: str
    consumer: str
    incarnation: str


@dataclass(frozen=True)
class Stop:
    """Told to an instance: end when the running round has."""


@dataclass(frozen=True)
class Figures:
    """Reported about once a second, in long rounds too: what was done since the process began, the shards' lags (µs), memory."""

    rounds: int = 0
    logs: int = 0
    busy_s: float = 0.0
    lags_us: Mapping[int, int] = field(default_factory=dict)
    memory_mb: float = 0.0


@dataclass(frozen=True)
class InstanceEnded:
    """The last report. No ``code``: told to stop, or not needed any more; else the error's, and ``reason`` says why it cannot go on.

    ``lasting``: another instance could not go on either, so the job has failed.
    """

    code: str = ""
    reason: str = ""
    lasting: bool = False


class JobInstance:
    """A process that runs an order. Raises OSError when it cannot be started."""

    def __init__(self, order: InstanceOrder, program: str = INSTANCE_PROGRAM) -> None:
        own, its = socket.socketpair()
        with its:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", program, str(its.fileno())],
                    pass_fds=(its.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C at the terminal is the scheduler's to answer
                )  # fmt: skip
            except OSError:
                own.close()
                raise
        self.order = order
        self.connection = Connection(own.detach())
        self.started = self.heard = time.monotonic()
        self.figures = Figures()
        self.ended: InstanceEnded | None = None
        self.stopping_since: float | None = None
        self._reported = False
        self._busy: tuple[float, float] = (self.started, 0.0)
        self.busy = 0.0
        """Share of its time that it worked, lately."""
        self._send(order)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Tell it to end after its round; once is enough."""
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
            self._send(Stop())

    def listen(self) -> bool:
        """Read what it has reported; whether it is still there."""
        try:
            while self.connection.poll():
                told = self.connection.recv()
                self.heard, self._reported = time.monotonic(), True
                if isinstance(told, Figures):
                    self._take(told)
                else:
                    self.ended = told
        except (EOFError, OSError):
            return False
        return True

    def silent(self, timeout_s: float) -> bool:
        """Whether it has not been heard for too long: stopped, or stuck."""
        return time.monotonic() - self.heard > (timeout_s if self._reported else max(timeout_s, _STARTING_SECONDS))

    def kill(self) -> None:
        """End it now, with all that it started, and wait until it is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.connection.close()
        self._process.wait()

    def _take(self, figures: Figures) -> None:
        began, busy_s = self._busy
        passed = self.heard - began
        if passed >= 5:
            self.busy = min(1.0, (figures.busy_s - busy_s) / passed)
            self._busy = self.heard, figures.busy_s
        self.figures = figures

    def _send(self, value: object) -> None:
        # One that died meanwhile shows when it is listened to.
        with suppress(OSError):
            self.connection.send(value)
