"""Continuous jobs whose processes are killed with -9, at every moment that counts and at any: each log is in its targets, exactly once."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from tests.jobs.job_disturbance import DISTURBANCES, Disturbance
from tests.jobs.job_outputs import check_once, check_same_as_bounded
from tests.jobs.job_world import JobWorld, until
from tests.mariadb import MariadbServer
from tests.warm_crash import WarmProgram
from transforms.jobs.job import JobState

SHARDS = 4
DATABASES = ["sqlite", pytest.param("mariadb", marks=pytest.mark.soak)]
LOGS = 40
"""Appended between two kills."""
NEVER = 1_000_000_000


@pytest.fixture(scope="module")
def program() -> Iterator[WarmProgram]:
    with WarmProgram("tests.jobs.one_instance_program") as started:
        yield started


def catalogue(database: str, request: pytest.FixtureRequest) -> str | None:
    """The URL of a fresh database; None for the home's own."""
    if database == "sqlite":
        return None
    server: MariadbServer = request.getfixturevalue("mariadb")
    fresh = server.database()
    return f"mysql://{fresh.user}:{fresh.password}@{fresh.host}:{fresh.port}/{fresh.name}"


def running(world: JobWorld) -> None:
    """Create the job and let it run, led by nobody who would start instances."""
    world.create()
    lead = world.ledger.lead("default", "clean", "the test", 3_600)
    assert lead is not None
    world.ledger.settle(lead, JobState.RUNNING)


def bury(world: JobWorld) -> None:
    """What a scheduler does about an instance that is surely gone."""
    groups = world.home.consumer_groups("default", "source")
    for one in groups.state(world.job().group).consumers.values():
        groups.leave(world.job().group, one.name, incarnation=one.incarnation)


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("database", DATABASES)
def test_an_instance_killed_at_every_durable_moment(
    database: str, tmp_path: Path, program: WarmProgram, request: pytest.FixtureRequest
) -> None:
    soak = request.config.getoption("--soak")
    with JobWorld(tmp_path, shards=SHARDS, catalogue_url=catalogue(database, request)) as world:
        running(world)
        arguments = [str(world.home.path), world.home.catalogue_url or ""]
        written = 0

        def more() -> None:
            nonlocal written
            for shard in (one.id for one in world.source.shard_map().writable):
                world.append(*range(written, written + LOGS // SHARDS), shard=shard)
                written += LOGS // SHARDS

        more()
        program.run(*arguments)  # makes the targets
        more()
        moments = numbered(program.run(*arguments))
        world.check()
        assert {(point, 0) for point in POINTS} <= set(moments)
        for place, (moment, number) in enumerate(moments if soak else sampled(moments)):
            more()
            program.killed_at(NEVER, *arguments, moment, str(number), "kill")
            bury(world)
            if place % 4 == 3:  # else the next kill meets what this one left
                program.run(*arguments)
                world.check()
        program.run(*arguments)
        world.check()
        assert world.delivered() == written


def numbered(moments: list[str]) -> list[tuple[str, int]]:
    """Moments in order, each with how many of its kind there were before; without those that heartbeats have as well."""
    times = Counter[str]()
    found = []
    for moment in moments:
        if not moment.startswith("catalogue."):
            found.append((moment, times[moment]))
            times[moment] += 1
    return found


POINTS = [f"job.{point} {moment}" for point in ("unfinished", "begin", "intend", "finish") for moment in ("before", "after")]
SOME_POINTS = ("job.intend before", "job.finish after")


@pytest.mark.timeout(1_200)
def test_the_database_is_killed_at_every_point_of_a_slice(tmp_path: Path, program: WarmProgram, request: pytest.FixtureRequest) -> None:
    """The instance lives: it tries again until the database is back, and has then done everything once."""
    server: MariadbServer = request.getfixturevalue("mariadb")
    with JobWorld(tmp_path, shards=SHARDS, catalogue_url=catalogue("mariadb", request)) as world:
        running(world)
        reached = world.home.path / "reached"
        assert world.home.catalogue_url is not None
        for round, point in enumerate(POINTS if request.config.getoption("--soak") else SOME_POINTS):
            for shard in range(SHARDS):
                world.append(*range(round * LOGS + shard, (round + 1) * LOGS, SHARDS), shard=shard)

            with ThreadPoolExecutor(1) as pool:  # the kernel ends the server with the thread that started it: that is this one
                ran = pool.submit(program.run, str(world.home.path), world.home.catalogue_url, point, "0")
                until(reached.exists)
                server.kill()
                reached.unlink()
                time.sleep(0.3)
                server.start()
                ran.result()
            world.check()
            assert world.delivered() == (round + 1) * LOGS


ZOMBIE_POINTS = [
    *(f"job.{point} {moment}" for point in ("begin", "intend", "finish") for moment in ("before", "after")),
    "logstore.write-file after", "logstore.commit before", "logstore.commit after",
]  # fmt: skip
SOME_ZOMBIE_POINTS = ("job.intend before", "logstore.commit before")


@pytest.mark.timeout(1_200)
def test_an_instance_that_sleeps_at_a_point_until_another_has_done_its_work(
    tmp_path: Path, program: WarmProgram, request: pytest.FixtureRequest
) -> None:
    """It wakes up where it was, and what it goes on with changes nothing."""
    with WarmProgram("tests.jobs.one_instance_program") as other, JobWorld(tmp_path, shards=SHARDS) as world:
        running(world)
        groups, group = world.home.consumer_groups("default", "source"), world.job().group
        groups.update(group, timeout_s=2)
        reached = world.home.path / "reached"
        for round, point in enumerate(ZOMBIE_POINTS if request.config.getoption("--soak") else SOME_ZOMBIE_POINTS):
            for shard in range(SHARDS):
                world.append(*range(round * LOGS + shard, (round + 1) * LOGS, SHARDS), shard=shard)
            with ThreadPoolExecutor(1) as pool:
                slept = pool.submit(program.run, str(world.home.path), "", point, "0")
                until(reached.exists)
                (sleeper,) = (int(name.removeprefix("instance-")) for name in groups.state(group).consumers)
                os.kill(sleeper, signal.SIGSTOP)
                try:
                    reached.unlink()
                    until(lambda: not groups.state(group).consumers)
                    other.run(str(world.home.path))
                    world.check()
                finally:
                    os.kill(sleeper, signal.SIGCONT)
                slept.result()
            world.check()
            assert world.delivered() == (round + 1) * LOGS, point


def sampled(moments: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Points of a slice in the ledger, the first commit and the last, one in the middle of the files."""
    points = [(point, 0) for point in POINTS[3:]]
    commits, files = ([one for one in moments if one[0] == f"logstore.{what} after"] for what in ("commit", "write-file"))
    return sorted({*points, commits[0], commits[-1], files[len(files) // 2]}, key=moments.index)


@pytest.mark.timeout(300)
def test_disturbed_at_random_moments(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Instances that start at once, under a real scheduler and a real database that is killed as well."""
    server: MariadbServer = request.getfixturevalue("mariadb")
    with JobWorld(tmp_path, shards=SHARDS, catalogue_url=catalogue("mariadb", request)) as world:
        world.create(extra=f"instances: {{least: {SHARDS}}}\n")
        disturbance = Disturbance(world, 6, world.quick_scheduler, server)
        world.becomes(JobState.RUNNING)
        writer = world.writer(4_000)
        names = [*DISTURBANCES]
        Random(6).shuffle(names)
        disturbance.run(names, 1.0)
        world.end(writer)
        world.catches_up()
        world.check()
        check_same_as_bounded(world, dead_letters=False)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("database", DATABASES)
def test_disturbed_at_many_random_moments(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Real instances, 20,000 logs a second. ``LOGSLUICE_KILLS``: how many disturbances, 300 unless it says otherwise."""
    server = request.getfixturevalue("mariadb") if database == "mariadb" else None
    kills = int(os.environ.get("LOGSLUICE_KILLS", "300"))
    with JobWorld(tmp_path, shards=SHARDS, catalogue_url=catalogue(database, request)) as world:
        world.create(extra=f"instances: {{least: {SHARDS}}}\n")
        disturbance = Disturbance(world, 300, world.scheduler, server)
        world.becomes(JobState.RUNNING, 120)
        writer = world.writer(float(os.environ.get("LOGSLUICE_RATE", "20000")))
        chance = Random(300)
        disturbance.run([chance.choice(DISTURBANCES) for _ in range(kills)], 3.0)
        world.end(writer)
        world.catches_up(600)
        assert check_once(world) > 0
        check_same_as_bounded(world)
