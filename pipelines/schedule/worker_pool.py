"""The scheduler's worker processes: started when they are needed, kept warm, ended with it. Imports no Beam."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

from pipelines.home import Home
from transforms.schedule.failure import Failure
from transforms.schedule.ledger import Outcome, Turn

__all__ = ["WORKER_PROGRAM", "InstanceWorker", "WorkerPool"]

WORKER_PROGRAM = "pipelines.schedule.instance_worker"
_END_SECONDS = 5.0


class InstanceWorker:
    """One process (a module such as `pipelines.schedule.instance_worker`) that runs a turn at a time."""

    def __init__(self, home: Home, program: str, flags: Sequence[str] = ()) -> None:
        own, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", program, str(its.fileno())],
                pass_fds=(its.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C at the terminal is the scheduler's to answer
            )  # fmt: skip
        self.connection = Connection(own.detach())
        self._sent = 0
        self._send((str(home.path), home.catalogue_url, tuple(flags)))

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, turn: Turn) -> None:
        """Hand over a turn; `answer` tells how it went once `connection` is readable."""
        self._sent += 1
        self._send(turn)

    @property
    def turns(self) -> int:
        """Turns it was given."""
        return self._sent

    def answer(self) -> Outcome | Failure | None:
        """What came of the turn; None when the process is gone. Blocks until there is one."""
        try:
            answer: Outcome | Failure = self.connection.recv()
        except (EOFError, OSError):
            return None
        return answer

    def end(self) -> None:
        """Let it go: an idle one leaves at once, a running one in the middle of its attempt."""
        self.connection.close()

    def kill(self) -> None:
        """End it now, with all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.connection.close()
        self._process.wait()

    def wait(self) -> None:
        """After `end`: until it is gone, which is soon."""
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _send(self, value: object) -> None:
        # One that died meanwhile shows when its answer is read.
        with suppress(OSError):
            self.connection.send(value)


class WorkerPool:
    """At most so many workers. One that was handed out is not idle until it is given back."""

    def __init__(self, home: Home, most: int, program: str = WORKER_PROGRAM, most_turns: int = 300, flags: Sequence[str] = ()) -> None:
        self._program = program
        self._flags = flags
        self._home = home
        self._most = most
        self._most_turns = most_turns
        self._workers: list[InstanceWorker] = []
        self._idle: list[InstanceWorker] = []

    @property
    def has_room(self) -> bool:
        """Whether `take` would give a worker."""
        return bool(self._idle) or len(self._workers) < self._most

    def take(self) -> InstanceWorker:
        """An idle worker, the one that ran last, else a new one."""
        if self._idle:
            return self._idle.pop()
        return self._start()

    def give_back(self, worker: InstanceWorker) -> None:
        """It answered. After some hundred turns a new one takes its place: what libraries keep in memory goes with the old one."""
        if worker.turns >= self._most_turns:
            self._workers.remove(worker)
            worker.end()
            worker.wait()
            try:
                worker = self._start()
            except OSError:
                return  # it is tried again, and told, when a worker is needed
        self._idle.append(worker)

    def _start(self) -> InstanceWorker:
        worker = InstanceWorker(self._home, self._program, self._flags)
        self._workers.append(worker)
        return worker

    def drop(self, worker: InstanceWorker) -> None:
        """It is gone, or shall be."""
        self._workers.remove(worker)
        worker.kill()

    def lost(self) -> None:
        """Forget idle workers that have died."""
        for worker in [one for one in self._idle if one.connection.poll()]:
            self._idle.remove(worker)
            self.drop(worker)

    def close(self) -> None:
        """End all."""
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            worker.wait()
        self._workers.clear()
        self._idle.clear()
