"""A continuous job on a Flink cluster: exactly once, whatever is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.data_transformation import run_transform
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.launch import options_of
from pipelines.transformation.transform_job import read_job
from pipelines.transformation.transform_plan import plan_transform
from tests.flink.conftest import Flink
from tests.flink.flink_cluster import FlinkCluster, wait_for
from tests.flink.flink_world import JOB, RULE, SOURCE, GroupProgram, Launcher, Writer, held, job_file, logs, make_home
from transforms.core.clock import SystemClock
from transforms.jobs.job import JobState
from transforms.stores.consumer_group import ConsumerGroup

pytestmark = pytest.mark.timeout(900)
_START = 300.0
"""Seconds until a pipeline does something; on an idle machine it takes twenty."""


class World:
    """The job, its launcher, what it has done."""

    def __init__(self, flink: Flink, cluster: FlinkCluster, folder: Path, source: str = SOURCE, rule: str = RULE, more: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.home = make_home(folder / "home")
        self.file = job_file(folder, source, rule, more)
        self._flink, self._cluster, self._folder = flink, cluster, folder
        self.launcher = self.launch(str(self.file))

    def launch(self, job: str) -> Launcher:
        self.launcher = Launcher(self.home, job, self._cluster.master, self._flink.job_server, self._folder / "launcher.log")
        return self.launcher

    def read(self) -> int:
        ledger = self.home.job_ledger()
        jobs = ledger.jobs(DEFAULT_PROJECT)
        return sum(counts.read for counts in ledger.totals(jobs[0]).values()) if jobs else 0

    def goes_on(self, seconds: float = 180) -> None:
        """Until some logs more are read than now."""
        before = self.read()
        self.until(seconds, "reading on", lambda: self.read() > before)

    def until(self, seconds: float, what: str, found: Callable[[], bool]) -> None:
        def looked() -> bool:
            assert self.launcher.process.poll() is None, self.launcher.log.read_text(errors="replace")[-4_000:]
            return found()

        wait_for(seconds, what, looked)

    def is_free(self) -> bool:
        """Whether nobody's lease of the job's lead holds."""
        ledger = self.home.job_ledger()
        return ledger.job(DEFAULT_PROJECT, JOB).lease_us < ledger.now_us()

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
    """Kill a TaskManager, kill the Python worker, cancel the job or kill the launcher, and start the job without its state."""
    for number in range(rounds):
        cluster.kill_task_manager(0)
        cluster.start_task_manager()
        world.goes_on()
        world.launcher.kill_worker()
        world.goes_on()
        if number % 2:
            world.launcher.end()  # its pipeline stays on the cluster, without workers
            wait_for(60, "the lease of a killed launcher", world.is_free)
        else:
            running = [job for job, state in cluster.jobs().items() if state in ("RUNNING", "RESTARTING")]
            assert len(running) == 1
            cluster.cancel(running[0])
            assert world.launcher.wait(180) == 3, world.launcher.log.read_text(errors="replace")[-4_000:]
        world.launch(JOB)
        world.until(_START, f"start {number + 2}", lambda: bool([one for one in cluster.jobs().values() if one == "RUNNING"]))
        world.goes_on()


@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=pytest.mark.soak)])
def test_each_log_is_transformed_once_whatever_is_killed(flink: Flink, tmp_path: Path, rounds: int) -> None:
    with FlinkCluster(flink.folder, tmp_path / "cluster") as cluster:
        world = World(flink, cluster, tmp_path)
        try:
            with Writer(world.home) as writer:
                world.until(_START, "the first slice", lambda: world.read() > 0)
                assert world.state() == JobState.RUNNING
                disturb(world, cluster, rounds)
            written = writer.written
            world.until(180, "reading to the end", lambda: world.read() == written)
            world.home.job_ledger().act(DEFAULT_PROJECT, JOB, "stop")
            assert world.launcher.wait(180) == 0, world.launcher.log.read_text(errors="replace")[-4_000:]
            assert world.state() == JobState.STOPPED
            assert set(cluster.jobs().values()) <= {"CANCELED", "FINISHED"}
        except BaseException:
            (tmp_path / "flink.log").write_text(cluster.logs(), encoding="utf-8")
            raise
        finally:
            world.launcher.end()
    assert held(world.home) == held(undisturbed(tmp_path, written))
    world.home.close()


@pytest.mark.soak
def test_an_end_time_and_a_rule_that_fails_end_the_pipeline(flink: Flink, tmp_path: Path) -> None:
    with FlinkCluster(flink.folder, tmp_path / "cluster") as cluster:
        end = int(time.time()) + 15
        ends = World(flink, cluster, tmp_path / "ends", f"source: {{logstore: source, to: '{end}'}}")
        try:
            ends.home.open_logstore(DEFAULT_PROJECT, "source").append([logs(range(60))])
            time.sleep(max(0.0, end + 0.5 - time.time()))
            ends.home.open_logstore(DEFAULT_PROJECT, "source").append([logs(range(60, 90))])
            assert ends.launcher.wait(_START) == 0, ends.launcher.log.read_text(errors="replace")[-4_000:]
            assert (ends.state(), ends.read()) == (JobState.SUCCEEDED, 60)
        finally:
            ends.launcher.end()
        fails = World(flink, cluster, tmp_path / "fails", rule='e_set("size", ct_int(v("size")))', more="brake: {share: 0.5, least: 20}")
        try:
            fails.home.open_logstore(DEFAULT_PROJECT, "source").append([logs(range(60))])
            assert fails.launcher.wait(_START) == 1, fails.launcher.log.read_text(errors="replace")[-4_000:]
            found = fails.home.job_ledger().job(DEFAULT_PROJECT, JOB)
            assert found.state == JobState.FAILED
            assert "logs failed, most for this reason" in found.reason
        finally:
            fails.launcher.end()
        assert set(cluster.jobs().values()) <= {"CANCELED", "FINISHED", "FAILED"}


@pytest.mark.soak
def test_a_consumer_group_is_read_through_the_death_of_a_task_manager(flink: Flink, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    home.consumer_groups(DEFAULT_PROJECT, "source").create(ConsumerGroup("billing", 20))
    out = tmp_path / "read.txt"
    with FlinkCluster(flink.folder, tmp_path / "cluster") as cluster:
        program = GroupProgram(home, cluster.master, flink.job_server, out, tmp_path / "program.log")
        try:
            with Writer(home) as writer:
                wait_for(_START, "the first logs", program.read)
                cluster.kill_task_manager(0)
                cluster.start_task_manager()
                before = writer.written
                wait_for(_START, "reading on", lambda: len(set(program.read())) > before)
            written = {str(n) for n in range(writer.written)}
            wait_for(180, "all logs", lambda: set(program.read()) == written)
            ends = {shard: extent.end for shard, extent in home.open_logstore(DEFAULT_PROJECT, "source").extents().shards.items()}
            groups = home.consumer_groups(DEFAULT_PROJECT, "source")
            wait_for(60, "the group's places", lambda: {one.shard: one.cursor for one in groups.checkpoints("billing")} == ends)
        except BaseException:
            (tmp_path / "flink.log").write_text(cluster.logs(), encoding="utf-8")
            raise
        finally:
            program.end()
    home.close()
