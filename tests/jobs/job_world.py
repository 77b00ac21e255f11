"""A world for continuous jobs of real processes: a source that a writer fills, a job, schedulers; and whether all came out once.

with JobWorld(tmp_path) as world:
    world.create()
    world.scheduler()
    world.writer(2_000)
    …
    world.check()
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs.definition import new_job
from pipelines.transformation.transform_job import read_job
from tests.conftest import ROOT
from tests.jobs.job_rule import DEAD, ERRORS, MAIN, TENANTS, expected, rule
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import LogGroup
from transforms.jobs.job import Job, JobState
from transforms.jobs.ledger import NewJob
from transforms.stores.cursor import BEGIN
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

SOURCE, JOB = "source", "clean"
_INSTANCES = ("pipelines.jobs.instance", "tests.jobs.quick_instance")
QUICK = ("--job-lease", "2", "--job-timeout", "5", "--grace", "20")
"""Options of a scheduler whose work is soon taken over."""


def until(what: Callable[[], Any], seconds: float = 120, why: Callable[[], str] = lambda: "waited in vain") -> Any:
    """Wait for something to be true; what it is then."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)
    return found


class JobWorld:
    """A home in ``folder`` (its catalogue elsewhere with a URL) with the source and the Logstores that the rule names by itself.

    Leaving the block kills every process that was started.
    """

    def __init__(self, folder: Path, *, shards: int = 2, catalogue_url: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.home = Home.create(folder / "home", catalogue_url)
        self.source = self.home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, SOURCE, "", even_shards(shards)))
        for name in TENANTS:
            self.home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(1)))
        self.ledger = self.home.job_ledger()
        self.processes: list[subprocess.Popen[str]] = []
        self._written = 0

    def __enter__(self) -> JobWorld:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        instances = self.instances()
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        psutil.wait_procs(instances, 10)  # they end with their schedulers
        for left in instances:
            if left.is_running():
                left.kill()
        self.home.close()

    # The job

    def job_file(self, version: str = "one", *, start: str | None = None, end: str | None = None, extra: str = "", name: str = JOB) -> Path:
        """A job file; ``start``, ``end``: receive times as people write them."""
        times = "".join(f", {key}: '{value}'" for key, value in (("from", start), ("to", end)) if value is not None)
        path = self.folder / f"{name}.yaml"
        text = "".join(f"  {line}\n" for line in rule(version).splitlines())
        path.write_text(
            f"job: {name}\nsource: {{logstore: {SOURCE}{times}}}\nrule: |\n{text}"
            f"targets:\n  main: {{logstore: {MAIN}, create: true}}\n  errors: {{logstore: {ERRORS}, create: true}}\n{extra}"
        )
        return path

    def new(self, version: str = "one", **more: Any) -> NewJob:
        """What the ledger is given; see `job_file`."""
        return new_job(DEFAULT_PROJECT, read_job(self.job_file(version, **more), DEFAULT_PROJECT), self.ledger.now_us())

    def create(self, version: str = "one", **more: Any) -> Job:
        """Create the job; it starts with the next scheduler."""
        return self.ledger.create(self.new(version, **more))

    def job(self, name: str = JOB) -> Job:
        return self.ledger.job(DEFAULT_PROJECT, name)

    def act(self, action: Any) -> Job:
        return self.ledger.act(DEFAULT_PROJECT, JOB, action)

    def becomes(self, state: JobState, seconds: float = 120) -> Job:
        """Wait until the job is in a state."""
        until(lambda: self.job().state == state, seconds, lambda: f"still {self.job()}\n{self.errors()}")
        return self.job()

    # Processes

    def scheduler(self, *options: str) -> subprocess.Popen[str]:
        """`logsluice scheduler run`; what it says goes to a file."""
        catalogue = ["--catalogue", self.home.catalogue_url] if self.home.catalogue_url else []
        where = ["--home", str(self.home.path), *catalogue]
        return self._start(["-m", "pipelines", *where, "scheduler", "run", *QUICK, "--late-every", "3600", *options])

    def quick_scheduler(self, *options: str) -> subprocess.Popen[str]:
        """A scheduler whose instances start at once and do by hand what the rule does: see `tests.jobs.quick_instance`."""
        catalogue = ["--catalogue", self.home.catalogue_url] if self.home.catalogue_url else []
        return self._start(["-m", "tests.jobs.jobs_program", str(self.home.path), *catalogue, *options])

    def writer(self, rate: float, every: float = 0.2) -> subprocess.Popen[str]:
        """Starts to append numbered logs, so many a second; numbers begin where no earlier writer's were."""
        self._written += 10_000_000
        arguments = [str(self.home.path), SOURCE, str(rate), str(every), str(self._written), *filter(None, [self.home.catalogue_url])]
        return self._start(["-m", "tests.jobs.writer_program", *arguments])

    def end(self, process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM, seconds: float = 120) -> int:
        """Signal a process and wait until it is gone."""
        process.send_signal(number)
        return process.wait(seconds)

    def instances(self) -> list[psutil.Process]:
        """The running instances of all schedulers."""
        found = []
        for process in self.processes:
            if process.poll() is None:
                children = psutil.Process(process.pid).children()
                found += [one for one in children if any(word in _INSTANCES for word in _command(one))]
        return found

    def errors(self) -> str:
        """What processes wrote to stderr."""
        return "\n".join(f"{path.name}: {path.read_text()[-4_000:]}" for path in sorted(self.folder.glob("*.err")))

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with (self.folder / f"{len(self.processes):03}.err").open("w") as err:
            process = subprocess.Popen(
                [sys.executable, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, text=True,
                env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
        self.processes.append(process)
        return process

    # What there is

    def append(self, *numbers: int, shard: int | None = None) -> None:
        """Logs of some numbers in one commit."""
        from tests.jobs.writer_program import numbered

        self.source.commit(self.source.write_files([numbered(number, 1) for number in numbers], shard=shard))

    def logs(self, logstore: str, received: Interval = ALL_TIME) -> list[dict[str, str]]:
        """All logs of a Logstore; none when there is no such."""
        if logstore not in self.home.catalogue().list_logstores(DEFAULT_PROJECT).names:
            return []
        groups: list[LogGroup] = list(self.home.open_logstore(DEFAULT_PROJECT, logstore).read(received=received))
        return [log for group in groups for log in group.to_logs()]

    def outputs(self) -> dict[str, Counter[str]]:
        """Target → numbers of its logs."""
        found = {name: Counter(log["n"] for log in self.logs(name)) for name in (MAIN, ERRORS, *TENANTS)}
        return {**found, DEAD: Counter(json.loads(log["log"])["n"] for log in self.logs(DEAD))}

    def delivered(self) -> int:
        """Logs that the job's slices have read."""
        return sum(counts.read for counts in self.ledger.totals(self.job()).values())

    def caught_up(self) -> bool:
        """Whether the job has read all that is in the source now."""
        seats = self.home.consumer_groups(DEFAULT_PROJECT, SOURCE).state(self.job().group).seats
        return all((seats[shard].checkpoint or BEGIN) >= extent.end for shard, extent in self.source.extents().shards.items())

    def catches_up(self, seconds: float = 120) -> None:
        """Wait until the job has read all that is in the source then."""
        until(self.caught_up, seconds, lambda: f"still behind: {self.job()}\n{self.errors()}")

    def check(self, received: Interval = ALL_TIME) -> None:
        """Every log of the source, received in an interval, is where the rule sends it, once; nothing else is anywhere."""
        wanted, found = expected(self.logs(SOURCE, received)), self.outputs()
        for target, numbers in wanted.items():
            missing, surplus = numbers - found[target], found[target] - numbers
            assert not missing and not surplus, (
                f"{target}: {missing.total()} missing ({_some(missing)}), {surplus.total()} too many ({_some(surplus)})\n{self.errors()}"
            )

    def check_against_bounded_run(self) -> None:
        """The rows of every target, whole, are those that one undisturbed bounded run makes of the job file's range in another home."""
        with JobWorld(self.folder / "bounded", shards=1) as bounded:
            here, there = self._folder_of(self.home), self._folder_of(bounded.home)
            shutil.rmtree(there)
            shutil.copytree(here, there)
            home = str(bounded.home.path)
            arguments = [
                sys.executable,
                "-m",
                "pipelines",
                "--home",
                home,
                "transform",
                str(self.folder / f"{JOB}.yaml"),
                "--format",
                "json",
            ]
            ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
            assert ended.returncode in (0, 1), ended.stderr  # 1: some logs are dead letters
            for name in (MAIN, ERRORS, *TENANTS):
                assert _rows(self.logs(name)) == _rows(bounded.logs(name)), name
            mine, others = (Counter(log["log"] for log in world.logs(DEAD)) for world in (self, bounded))
            assert mine == others

    def _folder_of(self, home: Home) -> Path:
        return Path(home.catalogue().logstore(DEFAULT_PROJECT, SOURCE).location)


def _rows(logs: list[dict[str, str]]) -> Counter[tuple[tuple[str, str], ...]]:
    return Counter(tuple(sorted(log.items())) for log in logs)


def _some(numbers: Counter[str]) -> str:
    return ", ".join(sorted(numbers, key=int)[:10])


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
