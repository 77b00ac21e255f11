"""Jobs led by real schedulers, with instances that start at once: states, kills, pauses, splits, ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.jobs.job_world import SOURCE, JobWorld, until
from transforms.core.interval import Interval
from transforms.jobs.job import JobState


@pytest.fixture
def world(tmp_path: Path) -> Iterator[JobWorld]:
    with JobWorld(tmp_path) as made:
        yield made


def moment(us: int) -> str:
    """Whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(us / 1e6))


def test_stop_start_edit_and_restart(world: JobWorld) -> None:
    world.create("one")
    scheduler = world.quick_scheduler()
    world.becomes(JobState.RUNNING)
    writer = world.writer(1_000)
    until(lambda: world.delivered() > 500)
    world.act("stop")
    world.becomes(JobState.STOPPED)
    assert until(lambda: not world.instances())
    stopped_at = world.delivered()
    world.ledger.edit(world.new("two"))
    time.sleep(0.5)
    assert world.delivered() == stopped_at
    world.act("start")
    until(lambda: world.delivered() > stopped_at + 500)
    world.ledger.edit(world.new("three"))
    world.act("restart")
    until(lambda: world.job().running_version == 3 and world.job().state == JobState.RUNNING)
    time.sleep(0.5)
    world.end(writer)
    world.catches_up()
    world.check()
    assert {log["rule"] for name in ("main", "errors") for log in world.logs(name)} == {"one", "two", "three"}
    assert world.end(scheduler) == 0
    assert world.job().state == JobState.RUNNING
    assert world.job().leader == ""


def test_rerun_begins_anew(world: JobWorld) -> None:
    world.create()
    world.append(*range(30))
    world.quick_scheduler()
    world.catches_up()
    once = world.outputs()
    world.act("rerun")
    until(lambda: world.job().generation == 2 and world.caught_up())
    assert world.outputs() == {target: numbers + numbers for target, numbers in once.items()}
    assert world.delivered() == 30


def test_a_job_with_an_end_ends_by_itself_with_its_range(world: JobWorld) -> None:
    writer = world.writer(1_000, 0.1)
    until(lambda: world.source.extents().received)
    now = world.ledger.now_us()
    start, end = (now // 1_000_000 + 2) * 1_000_000, (now // 1_000_000 + 5) * 1_000_000
    world.create(start=moment(start), end=moment(end))
    world.quick_scheduler()
    time.sleep(0.5)
    parent = world.source.shard_map().writable[0].id
    world.source.split_shard(parent)
    job = world.becomes(JobState.SUCCEEDED)
    assert job.ended_us >= end
    world.end(writer)
    world.check(Interval(start, end))
    assert sum(world.outputs()["main"].values()) > 500
    assert not world.instances()


def test_an_end_comes_without_any_logs(world: JobWorld) -> None:
    world.append(1, 2)
    now = world.ledger.now_us()
    world.create(start=moment(now + 1_000_000), end=moment(now + 3_000_000))
    world.quick_scheduler()
    world.becomes(JobState.SUCCEEDED)
    world.append(3)
    world.check(Interval(0, 0))


def test_what_was_there_before_the_start_is_left_out_and_heirs_do_not_wait_for_it(world: JobWorld) -> None:
    world.append(1, 2, 3, shard=0)
    world.source.split_shard(0)
    world.create(start=moment(world.ledger.now_us() + 1_000_000))
    start = world.job().start_us
    assert start is not None
    world.quick_scheduler()
    until(lambda: world.ledger.now_us() > start)
    world.append(*range(10, 30))
    world.append(*range(30, 50))
    world.catches_up()
    world.check(Interval(start, 1 << 60))


def test_killed_instances_are_replaced_through_splits_and_merges(world: JobWorld) -> None:
    world.create(extra="instances: {least: 2}\n")
    world.quick_scheduler("--timeout", "300")  # whoever is surely gone need not be waited for
    writer = world.writer(2_000, 0.1)
    for number in range(6):
        found = until(lambda: [one for one in world.instances() if one.create_time() < time.time() - 0.7])
        found[number % len(found)].kill()
        writable = world.source.shard_map().writable
        if number % 2:
            world.source.merge_shards(writable[0].id)
        else:
            world.source.split_shard(writable[number % len(writable)].id)
        time.sleep(0.3)
    world.end(writer)
    world.catches_up()
    world.check()
    assert world.job().state == JobState.RUNNING


def test_a_killed_scheduler_takes_its_instances_along_and_is_replaced(world: JobWorld) -> None:
    world.create()
    first = world.quick_scheduler()
    writer = world.writer(1_000)
    until(lambda: world.delivered() > 500)
    orphans = world.instances()
    world.end(first, signal.SIGKILL)
    assert orphans and psutil.wait_procs(orphans, 5)[1] == []
    reached = world.delivered()
    second = world.quick_scheduler()
    until(lambda: world.delivered() > reached)
    assert world.job().leader.split("/")[1] == str(second.pid)
    world.end(writer)
    world.catches_up()
    world.check()


def test_two_schedulers_lead_a_job_one_at_a_time(world: JobWorld) -> None:
    world.create()
    schedulers = [world.quick_scheduler(), world.quick_scheduler()]
    writer = world.writer(1_000)
    until(lambda: world.delivered() > 300)
    leader = next(one for one in schedulers if str(one.pid) == world.job().leader.split("/")[1])
    assert {one.ppid() for one in world.instances()} == {leader.pid}
    assert world.end(leader, signal.SIGINT) == 0
    reached = world.delivered()
    until(lambda: world.delivered() > reached + 300)
    world.end(writer)
    world.catches_up()
    world.check()


@pytest.mark.parametrize("whom", ["instance", "scheduler"])
def test_who_is_paused_beyond_the_time_out_wakes_up_and_changes_nothing(world: JobWorld, whom: str) -> None:
    world.create()
    schedulers = [world.quick_scheduler(), world.quick_scheduler()]
    writer = world.writer(1_000)
    until(lambda: world.delivered() > 300)
    (instance,) = world.instances()
    paused = [instance.pid] if whom == "instance" else [instance.ppid(), instance.pid]
    for pid in paused:
        os.kill(pid, signal.SIGSTOP)
    reached = world.delivered()
    until(lambda: world.delivered() > reached + 1_500, why=world.errors)  # somebody else goes on
    if whom == "scheduler":
        for pid in paused:
            os.kill(pid, signal.SIGCONT)
    time.sleep(1.5)
    world.end(writer)
    world.catches_up()
    world.check()
    assert not psutil.pid_exists(instance.pid) or instance.status() == psutil.STATUS_ZOMBIE
    assert all(one.poll() is None for one in schedulers)


def test_an_instance_that_stops_with_the_database_locked_is_ended(world: JobWorld) -> None:
    (world.home.path / "lock").touch()
    world.create()
    world.append(*range(20))
    world.quick_scheduler()
    until(lambda: not (world.home.path / "lock").exists())
    until(lambda: "is silent" in world.errors())
    world.catches_up()
    world.check()


def test_once_runs_until_what_is_there_is_read(world: JobWorld) -> None:
    world.create()
    world.append(*range(100))
    assert world.quick_scheduler("--once").wait(120) == 0
    assert world.caught_up()
    world.check()
    job = world.job()
    assert (job.state, job.leader) == (JobState.RUNNING, "")
    world.append(*range(100, 150))
    assert world.quick_scheduler("--once").wait(120) == 0
    world.check()


def test_once_takes_over_from_a_dead_scheduler_and_leaves_a_job_to_a_live_one(world: JobWorld) -> None:
    world.create()
    alive = world.quick_scheduler()
    world.becomes(JobState.RUNNING)
    assert world.quick_scheduler("--once").wait(60) == 0
    assert world.job().leader and alive.poll() is None
    alive.kill()
    world.append(*range(100))
    assert world.quick_scheduler("--once").wait(60) == 0
    assert world.caught_up()
    world.check()


def test_a_rule_that_does_not_load_fails_the_job_with_all_that_is_wrong(world: JobWorld) -> None:
    new = world.new()
    text = new.definition.replace("e_set(", "e_sett(").replace("e_coutput(", "e_couput(")
    world.ledger.create(type(new)(new.project, new.name, new.source, text))
    world.append(1)
    assert world.quick_scheduler("--once").wait(120) == 1
    job = world.job()
    assert job.state == JobState.FAILED
    assert job.reason.startswith("RuleInvalid: ")
    assert "e_sett" in job.reason and "e_couput" in job.reason
    assert world.outputs()["main"].total() == 0


def test_what_cannot_heal_fails_the_job_and_what_can_does_not(world: JobWorld) -> None:
    world.create()
    world.append(*range(20))
    (world.home.path / "fault").write_text("down")
    world.quick_scheduler()
    world.becomes(JobState.RUNNING)
    time.sleep(3)
    assert world.job().state == JobState.RUNNING and len(world.instances()) == 1
    (world.home.path / "fault").unlink()
    world.catches_up()
    world.check()
    (world.home.path / "fault").write_text("bad")
    world.append(20)
    assert "as it was told" in world.becomes(JobState.FAILED).reason
    until(lambda: not world.instances())
    (world.home.path / "fault").unlink()
    world.act("restart")
    world.catches_up()
    world.check()


def test_an_error_that_nobody_foresaw_is_tried_again_a_few_times(world: JobWorld) -> None:
    world.create()
    world.append(1)
    (world.home.path / "fault").write_text("bug")
    world.quick_scheduler()
    assert "ZeroDivisionError" in world.becomes(JobState.FAILED).reason


def test_stopping_waits_for_the_running_slice(world: JobWorld) -> None:
    world.create()
    (world.home.path / "slow").write_text("2")
    scheduler = world.quick_scheduler()
    world.becomes(JobState.RUNNING)
    world.append(*range(20))
    until((world.home.path / "computing").exists)
    assert world.end(scheduler) == 0
    world.check()
    assert world.caught_up()


def test_a_second_ctrl_c_does_not_wait_and_nothing_is_lost(world: JobWorld) -> None:
    world.create()
    (world.home.path / "slow").write_text("600")
    scheduler = world.quick_scheduler("--grace", "600")
    world.append(*range(20))
    until((world.home.path / "computing").exists)
    instances = world.instances()
    scheduler.send_signal(signal.SIGINT)
    time.sleep(1)
    assert scheduler.poll() is None
    assert world.end(scheduler, signal.SIGINT) == 0
    assert instances and not any(one.is_running() for one in instances)
    assert (world.job().state, world.job().leader) == (JobState.RUNNING, "")
    (world.home.path / "slow").unlink()
    world.quick_scheduler()
    world.catches_up()
    world.check()


def test_a_deleted_job_is_let_go_and_one_whose_source_is_gone_fails(world: JobWorld) -> None:
    world.create()
    world.append(0)
    world.quick_scheduler()
    world.catches_up()
    world.ledger.delete("default", "clean")
    until(lambda: not world.instances())
    world.create()
    until(lambda: world.outputs()["main"].total() == 2)
    world.home.catalogue().delete_logstore("default", "main")
    world.append(2, 3)
    job = world.becomes(JobState.FAILED)
    assert "main" in job.reason


def test_an_instance_is_there_for_each_shard_when_the_job_is_behind(world: JobWorld) -> None:
    world.create(extra="instances: {target_lag_s: 0.2}\n")
    (world.home.path / "slow").write_text("1")
    world.quick_scheduler()
    world.writer(500)
    until(lambda: len(world.instances()) == 2)
    assert len(world.source.shard_map().writable) == 2
    assert world.logs(SOURCE)
