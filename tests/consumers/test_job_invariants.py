"""What always holds for a job of slices, whoever is killed, paused or late: numbered promises, each under random walks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from tests.consumers.job_walk import START_US, JobWalk
from tests.consumers.logs_in_shards import cursor_at
from transforms.consumers.progress import group_lag_us, shard_lag_us
from transforms.stores.cursor import BEGIN

WALKS = [500, pytest.param(10_000, marks=pytest.mark.soak)]
STEPS = 100
EVENTS = ("kill", "sleep", "wake", "leave", "split", "merge", "edit", "restart", "repeated commit", "ConsumerNotMatch", "ConsumerNotExist",
          "NotExistConsumerWithBody", "ConsumerAlreadyExist", "SliceTakenOver", "lost answer", *(f"point {number}" for number in range(1, 6)))  # fmt: skip


@pytest.fixture
def met() -> Iterator[Counter[str]]:
    """What the walks of a test have met; each of the events must be among it, or the walks have shown nothing."""
    seen: Counter[str] = Counter()
    yield seen
    assert [event for event in EVENTS if not seen[event]] == []


def all_logs(walk: JobWalk) -> set[tuple[int, int]]:
    return {(shard, log) for shard, times in walk.logs.received.items() for log in range(len(times))}


def whereabouts(walk: JobWalk) -> dict[tuple[int, int], list[str]]:
    found: dict[tuple[int, int], list[str]] = {}
    for name, target in walk.targets.items():
        for log, made_by in target.rows.items():
            found.setdefault(log, []).extend([name] * len(made_by))
    return found


@pytest.mark.parametrize("walks", WALKS)
def test_2_a_checkpoint_never_passes_what_all_targets_have(walks: int, met: Counter[str]) -> None:
    for seed in range(walks):
        walk = JobWalk(seed)
        checked: dict[int, int] = {}

        def check(walk: JobWalk = walk, checked: dict[int, int] = checked) -> None:
            for shard, seat in walk.state.seats.items():
                position = (seat.checkpoint or BEGIN).row
                for log in range(checked.get(shard, 0), position):
                    assert all((shard, log) in walk.targets[name].rows for name in walk.routed[(shard, log)]), (shard, log)
                assert position >= checked.get(shard, 0)
                checked[shard] = position

        walk.watch = check
        met.update(walk.run(STEPS).drain().seen)
        assert sum(checked.values()) == len(all_logs(walk))


@pytest.mark.parametrize("walks", WALKS)
def test_3_no_log_of_a_child_before_its_ancestors_are_over(walks: int, met: Counter[str]) -> None:
    for seed in range(walks):
        walk = JobWalk(seed)
        started: set[int] = set()

        def check(walk: JobWalk = walk, started: set[int] = started) -> None:
            now = {log[0] for target in walk.targets.values() for log in target.rows}
            for shard in now - started:
                for ancestor in walk.logs.ancestors(shard):
                    assert walk.state.seats[ancestor].state == "over", (shard, ancestor)
                    for log in range(len(walk.logs.received[ancestor])):
                        assert all((ancestor, log) in walk.targets[name].rows for name in walk.routed[(ancestor, log)])
            started |= now

        walk.watch = check
        met.update(walk.run(STEPS).drain().seen)
        assert started


@pytest.mark.parametrize("walks", WALKS)
def test_4_every_log_exactly_once_in_each_target_it_is_routed_to(walks: int, met: Counter[str]) -> None:
    for seed in range(walks):
        walk = JobWalk(seed).run(STEPS).drain()
        met.update(walk.seen)
        assert {log: sorted(places) for log, places in whereabouts(walk).items()} == {
            log: sorted(places) for log, places in walk.routed.items()
        }
        assert walk.routed.keys() == all_logs(walk)
        dead = sum(places == ["dead letters"] for places in whereabouts(walk).values())
        assert (walk.counts.read, walk.counts.dead) == (len(all_logs(walk)), dead)


@pytest.mark.parametrize("walks", WALKS)
def test_5_interruptions_change_no_row_and_no_log_sees_two_rules(walks: int, met: Counter[str]) -> None:
    for seed in range(walks):
        walk = JobWalk(seed, capricious=False).run(STEPS).drain()
        met.update(walk.seen)
        assert {log: sorted(places) for log, places in whereabouts(walk).items()} == {
            log: sorted(walk.route(log)) for log in all_logs(walk)
        }
        for target in walk.targets.values():
            for log, made_by in target.rows.items():
                assert made_by[0].startswith(f"rule {walk.rules[log]},")


@pytest.mark.parametrize("walks", WALKS)
def test_6_a_job_with_an_end_reads_exactly_its_receive_times_and_ends(walks: int, met: Counter[str]) -> None:
    sizes = Counter[bool]()
    for seed in range(walks):
        chance = Random(seed)
        start_us = START_US + chance.randint(0, 60) * 1_000_000
        end_us = start_us + chance.randint(1, 120) * 1_000_000
        walk = JobWalk(seed, start_us=start_us, end_us=end_us)
        early: list[int] = []

        def watch(walk: JobWalk = walk, early: list[int] = early, end_us: int = end_us) -> None:
            early.extend([walk.clock.now_us()] if walk.ended() and walk.clock.now_us() < end_us else [])

        walk.watch = watch
        met.update(walk.run(STEPS).drain().seen)
        assert early == [] and walk.ended()
        mine = {log for log in all_logs(walk) if start_us <= walk.logs.received[log[0]][log[1]] < end_us}
        assert whereabouts(walk).keys() == walk.routed.keys() == mine
        sizes.update([0 < len(mine) < len(all_logs(walk))])
    assert sizes[True] > walks // 2
    assert not any(JobWalk(seed).run(20).drain().ended() for seed in range(20)), "a job without an end has ended"


@pytest.mark.parametrize("walks", WALKS)
def test_8_lag_is_zero_when_caught_up_and_else_positive(walks: int, met: Counter[str]) -> None:
    for seed in range(walks):
        walk = JobWalk(seed)

        def lags(walk: JobWalk = walk) -> dict[int, int]:
            walk.machine()
            told = {}
            for shard, extent in walk.logs.extents().shards.items():
                times, position = walk.logs.received[shard], (walk.state.seats[shard].checkpoint or BEGIN).row
                told[shard] = shard_lag_us(
                    extent, cursor_at(position), times[-1] if times else 0, times[max(0, position - 1)] if times else 0
                )
                assert (told[shard] == 0) == (position == len(times)) and told[shard] >= 0
                assert not times or told[shard] <= max(1, times[-1] - times[0])
            return told

        def watch(walk: JobWalk = walk) -> None:
            told = lags(walk)
            behind = any(
                (walk.state.seats[shard].checkpoint or BEGIN) < cursor_at(len(times)) for shard, times in walk.logs.received.items()
            )
            assert (group_lag_us(told) > 0) == behind and group_lag_us(told) in told.values()

        walk.watch = watch
        met.update(walk.run(STEPS).drain().seen)
        assert group_lag_us(lags(walk)) == 0
