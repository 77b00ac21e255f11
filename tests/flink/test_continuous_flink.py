"""A continuous job on a Flink cluster: exactly once, whatever is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.data_transformation import run_transform
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.launch import options_of
from pipelines.transform_job import read_job
from pipelines.transform_plan import plan_transform
from tests.flink.conftest import Flink
from tests.flink.flink_cluster import FlinkCluster, wait_for
from tests.flink.flink_world import JOB, Launcher, Writer, held, job_file, logs, make_home
from transforms.core.clock import SystemClock
from transforms.jobs.job import JobState

pytestmark = pytest.mark.timeout(420)


class World:
    """The job, its launcher, what it has done."""

    def __init__(self, flink: Flink, cluster: FlinkCluster, folder: Path) -> None:
        self.home = make_home(folder / "home")
        self.file = job_file(folder)
        self._flink, self._cluster, self._folder = flink, cluster, folder
        self.launcher = self.launch(str(self.file))

    def launch(self, job: str) -> Launcher:
        self.launcher = Launcher(self.home, job, self._cluster.master, self._flink.job_server, self._folder / "launcher.log")
        return self.launcher

    def read(self) -> int:
        ledger = self.home.job_ledger()
        jobs = ledger.jobs(DEFAULT_PROJECT)
        return sum(counts.read for counts in ledger.totals(jobs[0]).values()) if jobs else 0

    def goes_on(self, seconds: float = 90) -> None:
        """Until some logs more are read than now."""
        before = self.read()
        self.until(seconds, "reading on", lambda: self.read() > before)

    def until(self, seconds: float, what: str, found: Callable[[], bool]) -> None:
        def looked() -> bool:
            assert self.launcher.process.poll() is None, self.launcher.log.read_text(errors="replace")[-4_000:]
            return found()

        wait_for(seconds, what, looked)

    def state(self) -> JobState:
        return self.home.job_ledger().job(DEFAULT_PROJECT, JOB).state


def undisturbed(folder: Path, written: int) -> Home:
    """What one bounded run makes of the same logs."""
    home = make_home(folder / "undisturbed")
    home.open_logstore(DEFAULT_PROJECT, "source").append([logs(range(written))])
    clock = SystemClock()
    plan = plan_transform(home, DEFAULT_PROJECT, read_job(job_file(folder), DEFAULT_PROJECT), clock.now_us())
    run_transform(home, plan, options_of([]), clock)
    return home


def disturb(world: World, cluster: FlinkCluster, rounds: int) -> None:
    """Kill a TaskManager, kill the Python worker, cancel the job and start it without its state."""
    for number in range(rounds):
        cluster.kill_task_manager(0)
        cluster.start_task_manager()
        world.goes_on()
        world.launcher.kill_worker()
        world.goes_on()
        running = [job for job, state in cluster.jobs().items() if state in ("RUNNING", "RESTARTING")]
        assert len(running) == 1
        cluster.cancel(running[0])
        assert world.launcher.wait(90) == 3, world.launcher.log.read_text(errors="replace")[-4_000:]
        world.launch(JOB)
        world.until(150, f"start {number + 2}", lambda: bool([one for one in cluster.jobs().values() if one == "RUNNING"]))
        world.goes_on()


@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=pytest.mark.soak)])
def test_each_log_is_transformed_once_whatever_is_killed(flink: Flink, tmp_path: Path, rounds: int) -> None:
    with FlinkCluster(flink.folder, tmp_path / "cluster") as cluster:
        world = World(flink, cluster, tmp_path)
        try:
            with Writer(world.home) as writer:
                world.until(150, "the first slice", lambda: world.read() > 0)
                assert world.state() == JobState.RUNNING
                disturb(world, cluster, rounds)
            written = writer.written
            world.until(90, "reading to the end", lambda: world.read() == written)
            world.home.job_ledger().act(DEFAULT_PROJECT, JOB, "stop")
            assert world.launcher.wait(90) == 0, world.launcher.log.read_text(errors="replace")[-4_000:]
            assert world.state() == JobState.STOPPED
            assert set(cluster.jobs().values()) <= {"CANCELED", "FINISHED"}
        except BaseException:
            (tmp_path / "flink.log").write_text(cluster.logs(), encoding="utf-8")
            raise
        finally:
            world.launcher.end()
    before = time.monotonic()
    assert held(world.home) == held(undisturbed(tmp_path, written))
    assert time.monotonic() - before < 120
    world.home.close()
