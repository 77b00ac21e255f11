"""A world for a continuous job on Flink: a source of four shards that a writer appends to, three targets, one of them dynamic, dead letters;
and the launcher as a process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.transformation.transform_job import read_job
from tests.conftest import ROOT
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

LEVELS = ("info", "debug", "error", "tenant", "bad", "info")
RULE = """\
e_set("kind", "access")
e_if(v("level") == "debug", DROP)
e_if(v("level") == "error", e_coutput("errors"))
e_if(v("level") == "tenant", e_output(project="default", logstore=op_add("tenant-", v("tenant"))))
e_if(v("level") == "bad", e_set("size", ct_int(v("size"))))
"""
SOURCE = "source: {logstore: source}"
TARGETS = ("main", "errors", "tenant-0", "tenant-1", "source-dead-letters")
JOB = "flink-job"


def make_home(path: Path) -> Home:
    """With a source and the Logstores that the rule chooses."""
    home = Home.create(path)
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "source", "", even_shards(4)))
    for name in ("tenant-0", "tenant-1"):
        home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(1)))
    return home


def job_file(folder: Path, source: str = SOURCE, rule: str = RULE, more: str = "") -> Path:
    """The job."""
    lines = [f"job: {JOB}", source, "rule: |", *(f"  {line}" for line in rule.splitlines()), more]
    lines += ["targets:", "  main: {logstore: main, create: true}", "  errors: {logstore: errors, create: true}"]
    lines += ["runner: {runner: FlinkRunner}"]
    path = folder / "job.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert read_job(path, DEFAULT_PROJECT).name == JOB
    return path


def logs(numbers: range) -> LogGroup:
    """Numbered logs: of every six one is dropped, one copied, one goes where the rule says, one fails."""
    found = [{"n": str(n), "level": LEVELS[n % 6], "tenant": str(n // 6 % 2), "size": "x"} for n in numbers]
    return LogGroup.from_logs(found, [1_700_000_000 + n for n in numbers])


def held(home: Home) -> dict[str, Counter[str]]:
    """Of each target its logs, each as text, without what a run adds to dead letters."""
    found: dict[str, Counter[str]] = {}
    for name in TARGETS:
        store = home.open_logstore(DEFAULT_PROJECT, name)
        rows = (log for group in store.read() for log in group.to_logs())
        found[name] = Counter(log["log"] if "log" in log else str(sorted(log.items())) for log in rows)
    return found


class Writer:
    """Appends numbered logs, round after round, while its block lasts."""

    def __init__(self, home: Home, logs_a_commit: int = 60, pause: float = 0.3) -> None:
        self.written = 0
        self._store = home.once_more().open_logstore(DEFAULT_PROJECT, "source")
        self._logs, self._pause = logs_a_commit, pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_what: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._pause):
            self._store.append([logs(range(self.written, self.written + self._logs))])
            self.written += self._logs


class Started:
    """A process with all that it starts; what it says is in ``log``."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)

    def wait(self, seconds: float) -> int:
        """Its exit code."""
        return self.process.wait(seconds)

    def end(self) -> None:
        """With all it has started."""
        if self.process.poll() is None:
            family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            self.process.wait(20)


class GroupProgram(Started):
    """`tests.flink.group_program` on a cluster."""

    def __init__(self, home: Home, master: str, job_server: Path, out: Path, log: Path) -> None:
        command = [sys.executable, "-m", "tests.flink.group_program", str(home.path), str(out)]
        super().__init__([*command, *flink_flags(master, job_server)], log)
        self._out = out

    def read(self) -> list[str]:
        """What it has written down so far."""
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-4_000:]
        return self._out.read_text().split() if self._out.exists() else []


class WriteDown:
    """Appends a line for each log, in one call of the system."""

    def __init__(self, out: str) -> None:
        self._out = out

    def __call__(self, group: LogGroup) -> None:
        text = "".join(f"{log['n']}\n" for log in group.to_logs())
        file = os.open(self._out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, text.encode())
        os.close(file)


def flink_flags(master: str, job_server: Path) -> list[str]:
    """Of a pipeline on the cluster, its workers on this machine."""
    return [
        "--runner", "FlinkRunner", "--flink_version", "1.19", "--flink_master", master, "--flink_job_server_jar", str(job_server),
        "--environment_type", "LOOPBACK", "--parallelism", "2", "--checkpointing_interval", "2000",
    ]  # fmt: skip


class Launcher(Started):
    """``python -m pipelines.continuous_transformation``."""

    def __init__(self, home: Home, job: str, master: str, job_server: Path, log: Path) -> None:
        command = [sys.executable, "-m", "pipelines.continuous_transformation", "--home", str(home.path), "--job", job, "--slots", "2"]
        super().__init__([*command, *flink_flags(master, job_server)], log)

    def workers(self) -> list[psutil.Process]:
        """Beam's Python workers."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if any("SdkHarness" in part for part in child.cmdline())]

    def kill_worker(self) -> None:
        """``kill -9`` of one."""
        deadline = time.monotonic() + 60
        while not (found := self.workers()):
            assert time.monotonic() < deadline, "there is no Python worker"
            time.sleep(0.2)
        found[0].kill()
