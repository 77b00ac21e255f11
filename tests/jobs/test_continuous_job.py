"""`logsluice scheduler run` with a continuous job, whole: what people do to it, kills, splits, its end; and what it costs while idle."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil

from tests.jobs.job_world import JobWorld, until
from tests.jobs.test_supervisor import moment
from transforms.core.interval import Interval
from transforms.jobs.job import JobState


def test_from_the_first_log_to_the_end(tmp_path: Path) -> None:
    with JobWorld(tmp_path) as world:
        world.create("one")
        first = world.scheduler()
        writer = world.writer(1_000)

        def goes_on() -> None:
            reached = world.delivered()
            until(lambda: world.delivered() > reached + 500, why=world.errors)

        goes_on()
        world.act("stop")
        world.becomes(JobState.STOPPED)
        world.ledger.edit(world.new("two"))
        world.act("start")
        goes_on()
        world.source.split_shard(world.source.shard_map().writable[0].id)
        world.instances()[0].kill()
        goes_on()
        world.end(first, signal.SIGKILL)
        world.scheduler()
        goes_on()
        end = (world.ledger.now_us() // 1_000_000 + 3) * 1_000_000
        world.ledger.edit(world.new("two", end=moment(end)))
        world.act("restart")
        world.becomes(JobState.SUCCEEDED)
        world.end(writer)
        assert world.source.extents().received > end
        assert {log["rule"] for log in world.logs("main")} == {"one", "two"}
        world.check(Interval(0, end))


def test_the_rows_are_those_of_one_bounded_run(tmp_path: Path) -> None:
    with JobWorld(tmp_path) as world:
        world.create()
        world.scheduler()
        writer = world.writer(2_000)
        until(lambda: world.delivered() > 4_000, why=world.errors)
        world.end(writer)
        world.catches_up()
        world.check_against_bounded_run()


def test_flags_of_the_job_file_are_its_instances(tmp_path: Path) -> None:
    with JobWorld(tmp_path) as world:
        world.create(extra="runner: {direct_num_wokers: 2}\n")
        world.scheduler()
        assert "direct_num_workers" in world.becomes(JobState.FAILED).reason
        world.ledger.edit(world.new(extra="runner: {runner: DirectRunner, direct_num_workers: 2}\n"))
        world.act("restart")
        world.append(*range(50))
        world.catches_up()
        world.check()


def test_an_idle_job_costs_next_to_nothing(tmp_path: Path) -> None:
    with JobWorld(tmp_path) as world:
        world.create()
        world.append(0)
        scheduler = world.scheduler("--job-timeout", "15", "--job-lease", "10")
        world.catches_up()
        watched = [psutil.Process(scheduler.pid), *world.instances()]
        time.sleep(6)  # what is still imported, or compiled, belongs to the start
        before = sum(sum(one.cpu_times()[:2]) for one in watched)
        time.sleep(6)
        used = sum(sum(one.cpu_times()[:2]) for one in watched) - before
        assert used / 6 < 0.03, f"{100 * used / 6:.1f} % of a core"
