"""What a continuous job promises, each by its number: of one run of real processes that is disturbed in many ways and watched all the time.

The same promises under random walks of the machine: `tests.consumers.test_group_invariants`, `tests.consumers.test_job_invariants`.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jobs.job_disturbance import Disturbance
from tests.jobs.job_recorder import GroupSeen, Recorder, numbers_of
from tests.jobs.job_rule import ERRORS, MAIN, TENANTS
from tests.jobs.job_world import QUICK, JobWorld, until
from transforms.consumers.balance import loads
from transforms.core.interval import Interval
from transforms.jobs.job import JobState
from transforms.stores.cursor import BEGIN

TIMEOUT_US = int(QUICK[QUICK.index("--job-timeout") + 1]) * 1_000_000
"""Of instances, as these worlds' schedulers set it."""

pytestmark = pytest.mark.timeout(300)


def url(database: str, request: pytest.FixtureRequest) -> str | None:
    if database == "sqlite":
        return None
    fresh = request.getfixturevalue("mariadb").database()
    return f"mysql://{fresh.user}:{fresh.password}@{fresh.host}:{fresh.port}/{fresh.name}"


@dataclass
class Watched:
    """``paused``: between these moments of the ledger's clock the leader and its instances were stopped, and nobody else left."""

    world: JobWorld
    recorder: Recorder
    paused: tuple[int, int]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A job with three instances after kills, a zombie, splits, a merge, a stop with an edit, another scheduler."""
    with JobWorld(tmp_path_factory.mktemp("promises"), shards=3, catalogue_url=url(request.param, request)) as world:
        extra = "instances: {least: 3}\n"
        world.create("one", extra=extra)
        disturbance = Disturbance(world, 1, world.quick_scheduler)
        world.becomes(JobState.RUNNING)
        with Recorder(world) as recorder:
            writer = world.writer(300)
            until(lambda: world.delivered() > 100)
            disturbance.run(["split", "kill_instance", "merge"], 0.3)
            paused = _pause(world, disturbance, recorder)
            until(lambda: world.job().leader, 30, world.errors)
            world.act("stop")
            world.becomes(JobState.STOPPED)
            world.ledger.edit(world.new("two", extra=extra))
            world.act("start")
            disturbance.run(["split", "kill_scheduler", "compact"], 0.3)
            world.end(writer)
            world.catches_up()
            time.sleep(1.0)
        yield Watched(world, recorder, paused)


def _pause(world: JobWorld, disturbance: Disturbance, recorder: Recorder) -> tuple[int, int]:
    """Who is stopped inside a transaction of SQLite keeps all others from the ledger: then nobody could see the silence, so once more."""
    for _ in range(5):
        start = world.ledger.now_us()
        disturbance.run(["pause_scheduler"], 0.0)
        paused = start, world.ledger.now_us()
        if _gone(recorder.seen.groups, paused):
            return paused
        time.sleep(1.0)
    raise AssertionError("nobody fell silent")


def _gone(groups: Sequence[GroupSeen], within: tuple[int, int]) -> list[tuple[str, int]]:
    """The consumers that lost their shards between two moments, and how long they had been silent, microseconds."""
    return [
        (name, now.before_us - was.state.consumers[name].last_beat_us)
        for was, now in itertools.pairwise(list(groups))
        if within[0] <= was.after_us and now.before_us <= within[1]
        for name in was.state.consumers.keys() - now.state.consumers.keys()
    ]


def test_1_one_owner_and_balance(watched: Watched) -> None:
    groups = watched.recorder.seen.groups
    assert len(groups) > 50 and max(len(one.state.consumers) for one in groups) >= 3
    for one in groups:
        live = set(one.state.consumers)
        for seat in one.state.seats.values():
            assert (seat.owner in live) == (seat.state in ("already_alloc", "transfer")), seat
            assert not live or seat.state != "not_alloc", seat
        counts = loads(one.state).values()
        assert not counts or max(counts) - min(counts) <= 1, counts
    for was, now in itertools.pairwise(groups):
        for shard, seat in now.state.seats.items():
            before = was.state.seats.get(shard)
            if before is not None and before.owner != seat.owner:
                assert seat.epoch > before.epoch or not seat.owner, (before, seat)


def test_2_checkpoints_go_forward_and_never_pass_a_target(watched: Watched) -> None:
    reached = dict.fromkeys(range(100), BEGIN)
    for one in watched.recorder.seen.groups:
        for shard, seat in one.state.seats.items():
            assert (seat.checkpoint or BEGIN) >= reached[shard], (shard, seat)
            reached[shard] = seat.checkpoint or BEGIN
    assert watched.recorder.seen.checks > 500
    assert watched.recorder.seen.behind_targets == []


def test_3_logs_of_a_child_after_those_of_all_its_ancestors(watched: Watched) -> None:
    world = watched.world
    extents = world.source.extents().shards
    shard_of = {number: shard for shard in extents for number in numbers_of(world.source, shard)}
    compared = 0
    for target in (MAIN, ERRORS, *TENANTS):
        received: dict[int, list[int]] = defaultdict(list)
        for group in world.home.open_logstore("default", target).read():
            times = group.receive_times
            assert times is not None
            for log, moment in zip(group.to_logs(), times.to_pylist(), strict=True):
                received[shard_of[log["n"]]].append(moment)
        for shard, extent in extents.items():
            for ancestor in extent.ancestors:
                if received[shard] and received[ancestor]:
                    assert max(received[ancestor]) < min(received[shard]), (target, ancestor, shard)
                    compared += 1
    assert compared


def test_4_each_log_once_in_each_target(watched: Watched) -> None:
    watched.world.check()
    assert len(watched.world.logs("source")) > 1_000


def test_5_a_stop_with_an_edit_leaves_no_log_with_both_rules(watched: Watched) -> None:
    rules: dict[str, set[str]] = defaultdict(set)
    for target in (MAIN, ERRORS, *TENANTS):
        for log in watched.world.logs(target):
            rules[log["n"]].add(log["rule"])
    assert {len(versions) for versions in rules.values()} == {1}
    assert {version for versions in rules.values() for version in versions} == {"one", "two"}


@pytest.mark.parametrize("database", ["sqlite", pytest.param("mariadb", marks=pytest.mark.soak)])
def test_6_a_job_with_an_end_ends_with_exactly_its_range_while_others_append(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with JobWorld(tmp_path, catalogue_url=url(database, request)) as world:
        writer = world.writer(500, 0.1)
        until(lambda: world.source.extents().received)
        start = world.ledger.now_us() // 1_000_000 * 1_000_000 + 1_000_000
        end = start + 3_000_000
        said = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(us / 1e6)) for us in (start, end)]
        world.create(start=said[0], end=said[1])
        world.quick_scheduler()
        job = world.becomes(JobState.SUCCEEDED)
        assert job.ended_us >= end
        world.end(writer)
        world.check(Interval(start, end))
        assert world.outputs()[MAIN].total() > 100
        assert world.source.extents().received > end


def test_6_a_job_without_an_end_does_not_end(watched: Watched) -> None:
    assert watched.world.job().state == JobState.RUNNING
    assert watched.world.instances()


def test_7_who_is_silent_loses_its_shards_after_the_time_out_and_not_before(watched: Watched) -> None:
    groups = watched.recorder.seen.groups
    for one in groups:
        for name, consumer in one.state.consumers.items():
            assert one.after_us - consumer.last_beat_us <= TIMEOUT_US, f"{name} is still there"
    gone = _gone(groups, watched.paused)
    assert gone
    for name, silent_us in gone:
        assert silent_us > TIMEOUT_US, f"{name} lost its shards after {silent_us} µs"
    # Those that woke up changed nothing: test_2 and test_4 look at the same run.


def test_8_lag_is_zero_when_caught_up_and_else_positive(watched: Watched) -> None:
    seen = watched.recorder.seen.lags
    behind = caught_up = 0
    for one in seen:
        for shard, (before, after) in one.caught_up.items():
            lag = one.lags[shard]
            assert lag is not None and lag >= 0
            if before and after and one is seen[-1]:
                assert lag == 0, one
                caught_up += 1
            behind += lag > 0
        assert one.job == max(lag or 0 for lag in one.lags.values())
    assert behind and caught_up
