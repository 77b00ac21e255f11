"""Rounds of a continuous job: what they read, write and commit, each log once."""

from __future__ import annotations

import copy
import gc
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.jobs import job_plan, standing_pipeline
from pipelines.jobs.slice_round import SliceRounds
from tests.pipelines.slice_world import World, add_to_shard, make_sharded_source
from tests.pipelines.transform_world import add_logs, check_whole, expected_main, numbers_of, rows_of, write_job
from transforms.core.errors import CommitConflict, NotFound, QueryFailed, StoreRejected
from transforms.jobs.job import lane_app
from transforms.stores.commit_intent import CommitIntent
from transforms.stores.cursor import BEGIN
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.stores.slice import SliceCounts

DYNAMIC = """\
e_if(v("level") == "debug", DROP)
e_if(v("level") == "error", e_output(project="default", logstore=v("n")))
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.create(tmp_path / "home")
    make_sharded_source(home)
    yield home
    home.close()


def versions(home: Home) -> dict[str, int]:
    return {name: home.open_logstore(DEFAULT_PROJECT, name).version() for name in ("main", "errors", "source-dead-letters")}


def intents(world: World) -> dict[int, CommitIntent]:
    return {shard: CommitIntent.from_json(lane.slice.intent) for shard, lane in world.ledger.lanes.items() if lane.slice}


def test_rounds_bring_each_log_to_its_targets_once(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    with world.rounds:
        assert world.drain(most=7) >= 7
        check_whole(home, range(100))
        add_logs(home, range(100, 150))
        low, high = home.open_logstore(DEFAULT_PROJECT, "source").split_shard(1)
        add_logs(home, range(150, 200))
        assert world.round() >= {low, high}.intersection(file.shard for file in world.store.snapshot().files[-1:])
        assert not world.round()
    check_whole(home, range(200))
    told = rows_of(home, "internal-etl-log")
    assert {log["level"] for log in told} == {"ERROR"} and sum(int(log["events"]) for log in told) == 40
    assert {"job", "shard", "slice", "rule", "source", "step", "position", "reason"} <= told[0].keys()


def test_slices_have_their_own_files_counts_and_one_commit_of_each_target_together(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    before = versions(home)
    with world.rounds:
        slices = world.begin()
        computed = world.rounds.run({shard: (one.begin, one.end) for shard, one in slices.items()})
        assert [len(rows_of(home, name)) for name in before] == [0, 0, 0]
        assert world.commits.commit(world.epochs, slices, computed) == {0, 1}
    columns = {name: home.open_logstore(DEFAULT_PROJECT, name).version() - before[name] for name in before}
    assert all(1 <= added <= 3 for added in columns.values()), columns  # one commit, beside changes of columns
    recorded = intents(world)
    for shard, one in slices.items():
        lane = lane_app(world.job.id, 1, shard)
        rows = sum(group.num_rows for group in world.store.read_range(shard, one.begin, one.end))
        report = computed[shard].report
        assert report.read == rows == report.delivered + report.dropped + report.dead
        assert {file.origin for files in recorded[shard].files.values() for file in files} == {lane}
        assert recorded[shard].app.app_id == lane and recorded[shard].app.version == 1
        last = world.ledger.lanes[shard].slice
        assert last is not None and last.done
        assert last.counts == SliceCounts(rows, report.delivered, report.dropped, report.dead)
        assert {home.open_logstore(DEFAULT_PROJECT, name).app_version(lane) for name in before} == {1}
    assert len({file.receive_time for file in home.open_logstore(DEFAULT_PROJECT, "main").snapshot().files}) == 1


def test_a_target_without_logs_is_not_committed_to_and_nothing_is_told_of_nothing(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path, 'e_if(v("n") != "3", DROP)\n'))
    before = versions(home)
    with world.rounds:
        assert world.rounds.run({}) == {}
        assert world.drain() == 1
        add_logs(home, range(4, 10))
        assert world.round()
    assert versions(home)["errors"] == before["errors"] and versions(home)["source-dead-letters"] == before["source-dead-letters"]
    assert [log["n"] for log in rows_of(home, "main")] == ["3"] and rows_of(home, "internal-etl-log") == []
    assert any(one.files == {} for one in intents(world).values())


def test_logstores_that_only_the_rule_names_come_and_go(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(home, write_job(tmp_path, DYNAMIC))
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "102", "", even_shards(2)))
    monkeypatch.setattr(job_plan, "LOOK_SECONDS", 1_000.0)
    with world.rounds:
        add_logs(home, range(100, 105))  # 102 is an error, and the round does not know of its Logstore yet
        world.drain()
        dead = rows_of(home, "source-dead-letters")
        assert len(dead) == 21 and all("does not exist" in letter["reason"] for letter in dead)
        monkeypatch.setattr(job_plan, "LOOK_SECONDS", 0.0)
        home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "107", "", even_shards(1)))
        add_logs(home, range(105, 110))
        world.drain()
        assert [log["n"] for log in rows_of(home, "107")] == ["107"]
        monkeypatch.setattr(job_plan, "LOOK_SECONDS", 1_000.0)
        home.delete_logstore(DEFAULT_PROJECT, "107")
        add_logs(home, range(107, 108))
        world.drain()  # finds out when it writes, looks again, and sends the log where logs without a target go
        assert len(rows_of(home, "source-dead-letters")) == 22
        # Deleted between the intent and its commit: its logs go with it.
        add_logs(home, range(102, 103))
        slices = world.begin()
        computed = world.rounds.run({shard: (one.begin, one.end) for shard, one in slices.items()})
        assert any("default/102" in one.files for one in computed.values())
        home.delete_logstore(DEFAULT_PROJECT, "102")
        assert world.commits.commit(world.epochs, slices, computed) == slices.keys()
    assert Counter(log["n"] for log in rows_of(home, "main")) == Counter(str(n) for n in range(110) if n % 5 not in (1, 2))


def test_a_named_target_that_is_deleted_ends_the_job_with_what_to_do(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    with world.rounds:
        slices = world.begin()
        computed = world.rounds.run({shard: (one.begin, one.end) for shard, one in slices.items()})
        home.delete_logstore(DEFAULT_PROJECT, "main")
        with pytest.raises(NotFound, match="on their way there") as error:
            world.commits.commit(world.epochs, slices, computed)
        assert error.value.code == "LogStoreNotExist" and "rerun" in (error.value.hint or "")
        add_logs(home, range(100, 110))
        with pytest.raises(NotFound):
            world.rounds.run({shard: (one.begin, one.end) for shard, one in slices.items()})


def test_what_was_recorded_is_rolled_forward_and_never_computed_again(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    with world.rounds:
        slices = world.begin(most=10)
        computed = world.rounds.run({shard: (one.begin, one.end) for shard, one in slices.items()})
        finish = world.ledger.finish
        world.ledger.finish = lambda *_: frozenset()  # type: ignore[method-assign] # killed before the end
        assert world.commits.commit(world.epochs, slices, computed) == frozenset()
        world.ledger.finish = finish  # type: ignore[method-assign]
        before = versions(home)
        successor = world.taken_over()
        found = successor.ledger.unfinished("you", successor.epochs)
        open_ones = {shard: one for shard, one in found.items() if one is not None and one.intent}
        assert open_ones.keys() == {0, 1}
        assert successor.commits.roll_forward(successor.epochs, open_ones) == {0, 1}
        assert versions(home) == before  # every target had it
        # What the former owner still does changes nothing.
        assert world.commits.commit(dict.fromkeys(slices, 1), slices, computed) == frozenset()
        assert world.commits.roll_forward({}, {}) == frozenset()
        successor.drain(most=10)
    check_whole(home, range(100))


def test_slices_without_an_intent_are_computed_again_over_the_same_range_by_the_rule_of_then(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    with world.rounds:
        first = world.begin(most=10)
        world.rounds.run({shard: (one.begin, one.end) for shard, one in first.items()})  # and is killed: files that nobody sees
    world.edited(write_job(tmp_path, 'e_set("kind", "new")\n'))
    with world.rounds:
        again = world.begin(most=3)
        assert {shard: (one.begin, one.end, one.number) for shard, one in again.items()} == {
            shard: (one.begin, one.end, 1) for shard, one in first.items()
        }
        assert {one.rule for one in again.values()} == {world.plan.definition.digest} != {one.rule for one in first.values()}
        computed = world.rounds.run({shard: (one.begin, one.end) for shard, one in again.items()})
        world.commits.commit(world.epochs, again, computed)
        world.drain()
    assert sorted(int(log["n"]) for log in rows_of(home, "main")) == list(range(100))
    assert {log["kind"] for log in rows_of(home, "main")} == {"new"}


def test_a_ledger_that_is_older_than_the_targets_is_noticed(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    with world.rounds:
        slices = world.begin(most=10)
        world.commits.check_lanes(world.epochs, slices)
        before = copy.deepcopy(world.ledger.lanes)
        computed = world.rounds.run({shard: (one.begin, one.end) for shard, one in slices.items()})
        world.commits.commit(world.epochs, slices, computed)
    intended = {shard: lane.slice for shard, lane in world.ledger.lanes.items() if lane.slice is not None}
    world.commits.check_lanes(world.epochs, intended)  # rolled forward as far as it goes
    world.ledger.lanes.update(before)  # restored from a backup
    with pytest.raises(StoreRejected, match="slice 1 of shard") as error:
        world.commits.check_lanes(world.epochs, slices)
    assert error.value.code == "JobLedgerBehind"


def test_who_slept_while_another_went_on_does_not_take_the_ledger_for_old(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    with world.rounds:
        slices, epochs = world.begin(most=10), dict(world.epochs)
        other = world.taken_over()
        again = other.begin(most=10)
        other.commits.commit(other.epochs, again, world.rounds.run({shard: (one.begin, one.end) for shard, one in again.items()}))
    with pytest.raises(CommitConflict) as error:
        world.commits.check_lanes(epochs, slices)
    assert error.value.code == "SliceTakenOver"


def test_a_rule_that_fails_mostly_stops_the_job_and_counts_over_all_rounds(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path, 'e_set("x", ct_int(v("size")))\n', brake="{share: 0.5, least: 60}"))
    with world.rounds:
        slices = world.begin(most=10)
        ranges = {shard: (one.begin, one.end) for shard, one in slices.items()}
        for _ in range(2):
            assert sum(one.report.dead for one in world.rounds.run(ranges).values()) == 20
        with pytest.raises(QueryFailed, match="failed") as error:
            world.rounds.run(ranges)
        assert error.value.code == "RuleFailsMostly"
        with pytest.raises(QueryFailed):
            world.rounds.run(ranges)  # a new pipeline, the same brake


def test_logs_that_are_gone_end_a_round_with_an_error(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    with world.rounds:
        begin, end = world.store.reach(0, BEGIN, 3), world.store.end_cursor(0)
        assert world.rounds.run({0: (begin, end)})[0].report.read > 0
        world.store.expire(2_000_000_000)
        world.store.vacuum(older_than_hours=0)
        with pytest.raises(NotFound) as error:
            world.rounds.run({0: (begin, end)})
        assert error.value.code == "CursorExpired"


def test_a_pipeline_that_is_worn_is_followed_by_another(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_pipeline, "MOST_ROUNDS", 2)
    made: list[str] = []
    stand = SliceRounds._stand

    def counted(self: SliceRounds, name: str) -> None:
        made.append(name)
        stand(self, name)

    monkeypatch.setattr(SliceRounds, "_stand", counted)
    world = World(home, write_job(tmp_path))
    with world.rounds:
        assert world.drain(most=10) == 5
    assert len(made) == len(set(made)) == 3
    assert not [thread for thread in threading.enumerate() if thread.name == "rounds"]
    check_whole(home, range(100))


def test_many_rounds_take_no_more_memory(home: Home, tmp_path: Path) -> None:
    """What is left of a round, among the objects that the collector of garbage knows, is entries of tables' logs, of which so many are kept."""
    world, at = World(home, write_job(tmp_path)), 100

    def objects(rounds: int) -> Counter[str]:
        nonlocal at
        for _ in range(rounds):
            add_to_shard(home, 0, range(at, at + 10))
            assert world.round() == {0}
            at += 10
        gc.collect()
        return Counter(str(type(one)) for one in gc.get_objects() if "beam" in str(type(one)) or "polars" in str(type(one)))

    with world.rounds:
        world.drain()
        before, after = objects(5), objects(30)
    more = {kind: after[kind] - before[kind] for kind in after if after[kind] - before[kind] > 15}
    assert set(more) <= {"<class 'org.apache.beam.model.pipeline.v1.metrics_pb2.MonitoringInfo'>"}, more


def test_rounds_on_several_workers_give_the_same(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path), "--direct_num_workers=2", "--direct_running_mode=multi_threading")
    with world.rounds:
        assert world.drain(most=40) >= 2
    check_whole(home, range(100))
    assert numbers_of(home, "main") == expected_main(range(100))
