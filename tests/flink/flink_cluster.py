"""A standalone Flink cluster for tests: one JobManager, some TaskManagers, each a Java process of this machine.

    with FlinkCluster(flink, folder, task_managers=2) as cluster:
        cluster.master  # localhost:PORT
        cluster.kill_task_manager(0)

Everything that waits has a time limit. All processes are gone afterwards, however the test ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["FlinkCluster", "wait_for"]

_START_SECONDS = 90.0
_OPENED = (
    "java.base/java.lang", "java.base/java.lang.invoke", "java.base/java.lang.reflect", "java.base/java.io", "java.base/java.net",
    "java.base/java.nio", "java.base/java.text", "java.base/java.time", "java.base/java.util", "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic", "java.base/java.util.concurrent.locks", "java.base/sun.nio.ch", "java.base/sun.net.util",
)  # fmt: skip
_EXPORTED = ("java.base/sun.net.util", "java.rmi/sun.rmi.registry", "java.security.jgss/sun.security.krb5")
_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"


def wait_for(seconds: float, what: str, found: Callable[[], Any]) -> Any:
    """What ``found`` gives as soon as it is true. Fails after some seconds."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, f"{what} took more than {seconds:.0f} s"
        time.sleep(0.2)
    return result


class FlinkCluster:
    """The cluster, for as long as the block lasts.

    Args:
        flink: a folder with Flink's ``lib`` and ``plugins``.
        folder: for its configuration, logs and checkpoints.
        slots: of each TaskManager.
    """

    def __init__(self, flink: Path, folder: Path, *, task_managers: int = 2, slots: int = 2) -> None:
        self._flink = flink
        self._folder = folder
        self._wanted = task_managers
        self._slots = slots
        self._processes: list[subprocess.Popen[bytes]] = []
        self._numbers = 0
        self._task_managers: list[subprocess.Popen[bytes]] = []
        self._rest, self._rpc = _free_port(), _free_port()

    @property
    def master(self) -> str:
        """Where jobs are submitted."""
        return f"localhost:{self._rest}"

    def __enter__(self) -> FlinkCluster:
        try:
            self._configure()
            self._start(_JOB_MANAGER, "jobmanager", "--executionMode", "cluster")
            wait_for(_START_SECONDS, "Flink's JobManager", lambda: self.ask("/overview"))
            for _ in range(self._wanted):
                self.start_task_manager()
            self.wait_for_slots(self._wanted * self._slots)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait(timeout=20)
        self._processes.clear()
        shutil.rmtree(self._folder / "temporary", ignore_errors=True)

    def start_task_manager(self) -> None:
        """One more; it joins by itself."""
        self._task_managers.append(self._start(_TASK_MANAGER, f"taskmanager-{self._numbers}"))

    def kill_task_manager(self, number: int) -> None:
        """``kill -9`` of one that lives, by its place among those."""
        process = self._task_managers.pop(number)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=20)

    def wait_for_slots(self, slots: int) -> None:
        """Until so many slots are there, busy or free."""
        wait_for(_START_SECONDS, f"{slots} slots of Flink", lambda: (self.ask("/overview") or {}).get("slots-total", 0) >= slots)

    def jobs(self) -> dict[str, str]:
        """Id → state of all jobs."""
        return {job["id"]: job["status"] for job in (self.ask("/jobs") or {"jobs": []})["jobs"]}

    def cancel(self, job: str) -> None:
        """Cancel a job, without a savepoint, and wait until it is."""
        request = urllib.request.Request(f"http://{self.master}/jobs/{job}?mode=cancel", method="PATCH")
        urllib.request.urlopen(request, timeout=10).close()
        wait_for(60, "cancelling a job", lambda: self.jobs().get(job) in ("CANCELED", "FINISHED", "FAILED"))

    def ask(self, path: str) -> dict[str, Any] | None:
        """What the JobManager answers, None when it does not."""
        try:
            with urllib.request.urlopen(f"http://{self.master}{path}", timeout=5) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except (OSError, ValueError, urllib.error.URLError):
            return None

    def logs(self) -> str:
        """The last lines of each process's log, for a failing test."""
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3_000:]}" for log in sorted(self._folder.glob("*.log")))

    def _configure(self) -> None:
        conf = self._folder / "conf"
        conf.mkdir(parents=True)
        (self._folder / "temporary").mkdir()
        # A TaskManager that is started without Flink's own script must be told every share of its memory.
        settings = {
            "jobmanager.rpc.address": "localhost",
            "jobmanager.rpc.port": self._rpc,
            "jobmanager.bind-host": "localhost",
            "jobmanager.memory.process.size": "900m",
            "rest.port": self._rest,
            "rest.address": "localhost",
            "rest.bind-address": "localhost",
            "rest.bind-port": self._rest,
            "taskmanager.bind-host": "localhost",
            "taskmanager.host": "localhost",
            "taskmanager.numberOfTaskSlots": self._slots,
            "taskmanager.cpu.cores": 1.0,
            "taskmanager.memory.framework.heap.size": "128m",
            "taskmanager.memory.task.heap.size": "256m",
            "taskmanager.memory.framework.off-heap.size": "128m",
            "taskmanager.memory.task.off-heap.size": "0b",
            "taskmanager.memory.network.min": "256m",
            "taskmanager.memory.network.max": "256m",
            "taskmanager.memory.managed.size": "64m",
            "taskmanager.memory.jvm-metaspace.size": "256m",
            "taskmanager.memory.jvm-overhead.min": "192m",
            "taskmanager.memory.jvm-overhead.max": "192m",
            "io.tmp.dirs": self._folder / "temporary",
            "state.checkpoints.dir": f"file://{self._folder / 'checkpoints'}",
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 1_000,
            "restart-strategy.fixed-delay.delay": "500 ms",
            "heartbeat.interval": 1_000,
            "heartbeat.timeout": 5_000,
            "classloader.check-leaked-classloader": "false",
        }
        text = "".join(f"{key}: {value}\n" for key, value in settings.items())
        (conf / "flink-conf.yaml").write_text(text, encoding="utf-8")
        (conf / "log4j.properties").write_text(
            "rootLogger.level = INFO\nrootLogger.appenderRef.console.ref = Console\nappender.console.name = Console\n"
            "appender.console.type = CONSOLE\nappender.console.layout.type = PatternLayout\n"
            "appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n\n",
            encoding="utf-8",
        )

    def _start(self, main: str, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        self._numbers += 1
        log = self._folder / f"{name}.log"
        command = [
            "java", "-Xmx450m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            *(f"--add-opens={one}=ALL-UNNAMED" for one in _OPENED),
            *(f"--add-exports={one}=ALL-UNNAMED" for one in _EXPORTED),
            f"-Dlog4j.configurationFile={self._folder / 'conf' / 'log4j.properties'}",
            "-cp", str(self._flink / "lib" / "*"), main, "--configDir", str(self._folder / "conf"), *arguments,
        ]  # fmt: skip
        with log.open("wb") as out:
            environment = {**os.environ, "FLINK_PLUGINS_DIR": str(self._flink / "plugins")}
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True)
        self._processes.append(process)
        return process


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
