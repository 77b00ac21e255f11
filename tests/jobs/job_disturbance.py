"""What may happen to a job while it runs: kills, pauses, hands changed, shards split and merged, files compacted, the database gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from subprocess import Popen

import psutil

from tests.jobs.job_rule import ERRORS, MAIN, TENANTS
from tests.jobs.job_world import JobWorld, until
from tests.mariadb import MariadbServer
from transforms.core.errors import LogsluiceError, StoreError
from transforms.jobs.job import JobState

__all__ = ["DISTURBANCES", "Disturbance"]

DISTURBANCES = (
    "kill_instance", "split", "kill_scheduler", "compact", "pause_instance", "merge", "pause_scheduler", "stop_and_start", "leave",
    "kill_database",
)  # fmt: skip
_BEYOND_TIMEOUT = 6.5
"""Seconds; instances of these worlds lose their shards after 5, schedulers their lead after 2."""
_MOST_SHARDS = 8


class Disturbance:
    """Disturbs a job that two schedulers are there for.

    Args:
        start: starts another scheduler.
        server: keeps the catalogue, if any does.
    """

    def __init__(self, world: JobWorld, seed: int, start: Callable[[], Popen[str]], server: MariadbServer | None = None) -> None:
        self._world = world
        self._random = Random(seed)
        self._start = start
        self._server = server
        self.schedulers = [start(), start()]
        self.done: list[str] = []

    def run(self, names: Sequence[str], apart: float) -> None:
        """One after the other, up to ``apart`` seconds in between."""
        for name in names:
            time.sleep(self._random.uniform(0.0, apart))
            self._start_again()
            getattr(self, f"_{name}")()
            self.done.append(name)

    def _start_again(self) -> None:
        """As a process manager does: a scheduler that cannot reach the database when it starts ends."""
        for ended in [one for one in self.schedulers if one.poll() is not None]:
            self.schedulers.remove(ended)
            self.schedulers.append(self._start())

    def _leader(self) -> Popen[str]:
        def found() -> Popen[str] | None:
            self._start_again()
            with suppress(StoreError):
                pid = self._world.job().leader.split("/")[1:2]
                return next((one for one in self.schedulers if [str(one.pid)] == pid and one.poll() is None), None)
            return None

        leader: Popen[str] = until(found, 60, self._world.errors)
        return leader

    def _instance(self) -> psutil.Process:
        return self._random.choice(until(self._world.instances, 60, self._world.errors))

    def _kill_instance(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self._instance().kill()

    def _kill_scheduler(self) -> None:
        self._replace(self._leader(), signal.SIGKILL)

    def _leave(self) -> None:
        self._replace(self._leader(), signal.SIGTERM)

    def _replace(self, scheduler: Popen[str], number: signal.Signals) -> None:
        self._world.end(scheduler, number)
        self._start_again()

    def _pause_instance(self) -> None:
        one = self._instance()
        self._pause([one.pid])

    def _pause_scheduler(self) -> None:
        leader = self._leader()
        children = [one.pid for one in psutil.Process(leader.pid).children()]
        self._pause([leader.pid, *children])

    def _pause(self, pids: Sequence[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        time.sleep(_BEYOND_TIMEOUT)
        for pid in reversed(pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _stop_and_start(self) -> None:
        self._act("stop")
        until(lambda: self._world.job().state == JobState.STOPPED, 60, self._world.errors)
        self._act("start")

    def _act(self, action: str) -> None:
        until(lambda: self._world.job().state in (JobState.RUNNING, JobState.STOPPED), 60, self._world.errors)
        self._world.act(action)

    def _split(self) -> None:
        writable = self._world.source.shard_map().writable
        if len(writable) < _MOST_SHARDS:
            self._world.source.split_shard(self._random.choice(writable).id)

    def _merge(self) -> None:
        writable = self._world.source.shard_map().writable
        if len(writable) > 1:
            self._world.source.merge_shards(self._random.choice(writable[:-1]).id)

    def _compact(self) -> None:
        names = set(self._world.home.catalogue().list_logstores("default").names)
        for name in ("source", MAIN, ERRORS, *TENANTS):
            if name in names:
                with suppress(LogsluiceError):  # those who commit at the same time come first
                    self._world.home.open_logstore("default", name).compact(min_files=4)

    def _kill_database(self) -> None:
        if self._server is not None:
            self._server.kill()
            time.sleep(self._random.uniform(0.0, 2.0))
            self._server.start()
