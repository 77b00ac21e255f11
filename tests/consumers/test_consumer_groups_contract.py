"""Every keeper of consumer groups in turn does what the state machine does, alone with a group at each step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from tests import crash
from tests.consumers.logs_in_shards import LogsInShards, cursor_at
from transforms.connectors.memory_consumer_groups import open_memory_consumer_groups
from transforms.connectors.sql_catalogue import open_sql_catalogue
from transforms.connectors.sql_catalogue_engine import make_engine
from transforms.connectors.sql_consumer_groups import database_now_us, sql_consumer_groups
from transforms.consumers.group_machine import GroupMachine
from transforms.core.clock import FixedClock
from transforms.core.errors import LogsluiceError
from transforms.stores.consumer_group import ConsumerGroup, ConsumerGroups, GroupState
from transforms.stores.cursor import BEGIN
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

SQL = ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)]
START_US = 1_700_000_000_000_000


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return catalogue_url(request, tmp_path)


def catalogue_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """A catalogue with a project and a Logstore."""
    if request.param == "sqlite":
        where = f"sqlite:///{folder / 'catalogue.sqlite'}"
    else:
        database = request.getfixturevalue("mariadb").database()
        where = f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"
    catalogue = open_sql_catalogue(where)
    catalogue.create_project("shop")
    catalogue.create_logstore(LogstoreDescriptor("shop", "nginx", "/nowhere", even_shards(1)))
    catalogue.close()
    return where


@dataclass
class Kept:
    groups: ConsumerGroups
    logs: LogsInShards
    clock: FixedClock


@pytest.fixture(params=["memory", *SQL])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    logs, clock = LogsInShards.of(3), FixedClock(START_US)
    if request.param == "memory":
        yield Kept(open_memory_consumer_groups(logs.extents, clock), logs, clock)
        return
    engine = make_engine(catalogue_url(request, tmp_path))
    yield Kept(sql_consumer_groups(engine, "shop", "nginx", logs.extents, lambda _: clock.now_us()), logs, clock)
    engine.dispose()


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(LogsluiceError) as error:
        yield
    assert error.value.code == code, error.value


def test_groups_come_and_go(kept: Kept) -> None:
    groups = kept.groups
    groups.create(ConsumerGroup("jobs", 60))
    groups.create(ConsumerGroup("Jobs", 30, order=True))
    assert groups.list() == (ConsumerGroup("Jobs", 30, True), ConsumerGroup("jobs", 60))
    assert groups.update("jobs", order=True) == ConsumerGroup("jobs", 60, True)
    assert groups.update("jobs", timeout_s=5) == groups.state("jobs").group == ConsumerGroup("jobs", 5, True)
    with refused("ConsumerGroupAlreadyExist"):
        groups.create(ConsumerGroup("jobs", 60))
    with refused("JsonInfoInvalid"):
        groups.update("jobs")
    for wrong in (
        ConsumerGroup("a", 60),
        ConsumerGroup("jobs-", 60),
        ConsumerGroup("x" * 64, 60),
        ConsumerGroup("fine", 0),
        ConsumerGroup("fine", 86_401),
    ):
        with refused("ParameterInvalid"):
            groups.create(wrong)
    groups.delete("jobs")
    for gone in (lambda: groups.delete("jobs"), lambda: groups.state("jobs"), lambda: groups.heartbeat("jobs", "A", ())):
        with refused("ConsumerGroupNotExist"):
            gone()
    for number in range(29):
        groups.create(ConsumerGroup(f"group-{number}", 60))
    with refused("ConsumerGroupQuotaExceed"):
        groups.create(ConsumerGroup("one-more", 60))


def test_a_reset_may_keep_the_shards_it_does_not_name(kept: Kept) -> None:
    kept.logs.append(0, 5, shard=1)
    kept.groups.create(ConsumerGroup("jobs", 60))
    kept.groups.save_checkpoint("jobs", 1, cursor_at(4), force=True)
    kept.groups.reset("jobs", {0: BEGIN}, keep_others=True)
    assert [one.cursor for one in kept.groups.checkpoints("jobs")] == [BEGIN, cursor_at(4), None]
    assert {seat.state for seat in kept.groups.state("jobs").seats.values()} == {"not_alloc"}
    kept.groups.reset("jobs", {0: BEGIN})
    assert [one.cursor for one in kept.groups.checkpoints("jobs")] == [BEGIN, BEGIN, BEGIN]
    kept.groups.heartbeat("jobs", "A", ())
    with refused("ConsumerGroupBusy"):
        kept.groups.reset("jobs", {0: BEGIN}, keep_others=True)


def test_a_deleted_group_starts_afresh(kept: Kept) -> None:
    kept.logs.append(0, 5, shard=1)
    kept.groups.create(ConsumerGroup("jobs", 60))
    kept.groups.heartbeat("jobs", "A", ())
    kept.groups.save_checkpoint("jobs", 1, cursor_at(4), consumer="A")
    assert [one.cursor for one in kept.groups.checkpoints("jobs")] == [None, cursor_at(4), None]
    kept.groups.delete("jobs")
    kept.groups.create(ConsumerGroup("jobs", 60))
    assert [one.cursor for one in kept.groups.checkpoints("jobs")] == [None, None, None]
    assert kept.groups.state("jobs").consumers == {}


def test_who_saved_what_and_when(kept: Kept) -> None:
    kept.logs.append(0, 5, shard=1)
    kept.groups.create(ConsumerGroup("jobs", 60))
    kept.groups.heartbeat("jobs", "the größte 消费者", (), incarnation="42")
    kept.clock.sleep(3)
    kept.groups.save_checkpoint("jobs", 1, cursor_at(4), consumer="the größte 消费者", epoch=1)
    (stored,) = kept.groups.checkpoints("jobs", 1)
    assert (stored.cursor, stored.updated_us, stored.consumer) == (cursor_at(4), START_US + 3_000_000, "the größte 消费者")
    assert kept.groups.checkpoints("jobs", 9) == ()
    with refused("ConsumerGroupBusy"):
        kept.groups.reset("jobs", {})
    kept.groups.leave("jobs", "the größte 消费者", incarnation="42")
    kept.groups.reset("jobs", {1: cursor_at(2)})
    assert [one.cursor for one in kept.groups.checkpoints("jobs")] == [BEGIN, cursor_at(2), BEGIN]


def test_a_refused_step_leaves_nothing(kept: Kept) -> None:
    kept.groups.create(ConsumerGroup("jobs", 60))
    kept.groups.heartbeat("jobs", "A", (), incarnation="one")
    before = kept.groups.state("jobs")
    for step, code in (
        (lambda: kept.groups.heartbeat("jobs", "A", (), incarnation="two"), "ConsumerAlreadyExist"),
        (lambda: kept.groups.heartbeat("jobs", "B", (0,)), "NotExistConsumerWithBody"),
        (lambda: kept.groups.save_checkpoint("jobs", 0, cursor_at(1), consumer="A"), "InvalidShardCheckPoint"),
        (lambda: kept.groups.save_checkpoint("jobs", 0, BEGIN, consumer="A", epoch=7), "ConsumerNotMatch"),
        (lambda: kept.groups.save_checkpoint("jobs", 8, BEGIN, consumer="A"), "ShardNotExist"),
        (lambda: kept.groups.save_checkpoint("jobs", 0, BEGIN), "ParameterInvalid"),
        (lambda: kept.groups.leave("jobs", "C"), "ConsumerNotExist"),
    ):
        with refused(code):
            step()
        assert kept.groups.state("jobs") == before


def answer(step: Callable[[], Any]) -> Any:
    """What a step gives, or the code it is refused with."""
    try:
        return step()
    except LogsluiceError as error:
        return error.code


def test_a_random_walk_goes_the_same_way_as_on_the_bare_machine(kept: Kept) -> None:
    random = Random(6)
    kept.groups.create(ConsumerGroup("jobs", 30, order=True))
    bare = GroupState(ConsumerGroup("jobs", 30, order=True))
    codes = set()
    for _ in range(120):
        what, name = random.choice(("beat", "beat", "beat", "save", "save", "leave", "append", "split", "tick")), random.choice("ABCD")
        seat = random.choice(sorted(kept.groups.state("jobs").seats.values(), key=lambda one: one.shard))
        cursor, owner = cursor_at(len(kept.logs.received[seat.shard])), random.choice((seat.owner, name))
        if what == "append":
            kept.logs.append(0, 2, key=f"{random.getrandbits(128):032x}")
        elif what == "split" and len(kept.logs.shards.writable) < 7:
            kept.logs.split(random.choice(kept.logs.shards.writable).id)
        elif what == "tick":
            kept.clock.sleep(random.choice((1, 5, 31)))
        listed = [one.shard for one in kept.groups.state("jobs").seats.values() if one.owner == name and one.state == "already_alloc"]
        machine = GroupMachine(bare, kept.logs.extents(), kept.clock.now_us())
        steps: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
            "beat": (partial(kept.groups.heartbeat, "jobs", name, listed), partial(machine.heartbeat, name, listed)),
            "leave": (partial(kept.groups.leave, "jobs", name), partial(machine.leave, name)),
            "save": (
                partial(kept.groups.save_checkpoint, "jobs", seat.shard, cursor, consumer=owner),
                partial(machine.save, seat.shard, cursor, consumer=owner),
            ),
        }
        if what in steps:
            answers = [answer(step) for step in steps[what]]
            assert answers[0] == answers[1], what
            codes.add(answers[0] if isinstance(answers[0], str) else what)
        assert kept.groups.state("jobs") == bare, what
    assert {"beat", "save", "leave", "ConsumerNotExist"} <= codes


def test_threads_take_turns(kept: Kept) -> None:
    kept.groups.create(ConsumerGroup("jobs", 60))
    told: dict[tuple[int, int], set[str]] = {}
    failures: list[BaseException] = []

    def consume(name: str) -> None:
        try:
            held: list[int] = []
            for _ in range(8):
                answer = kept.groups.heartbeat("jobs", name, held)
                held = [one.shard for one in answer]
                for one in answer:
                    told.setdefault((one.shard, one.epoch), set()).add(name)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=consume, args=(name,)) for name in "ABC"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert all(len(names) == 1 for names in told.values()), told
    state = kept.groups.state("jobs")
    assert set(state.consumers) == set("ABC") and all(seat.owner for seat in state.seats.values())


@pytest.mark.parametrize("url", SQL, indirect=True)
class TestSql:
    def test_time_is_the_databases(self, url: str) -> None:
        engine = make_engine(url)
        with engine.connect() as connection:
            before = time.time_ns() // 1_000
            told = database_now_us(connection)
            assert abs(told - before) < 5_000_000
            connection.rollback()
            time.sleep(0.02)
            assert told < database_now_us(connection)
        groups = sql_consumer_groups(engine, "shop", "nginx", LogsInShards.of(1).extents)
        groups.create(ConsumerGroup("jobs", 1))
        groups.heartbeat("jobs", "A", ())
        assert groups.heartbeat("jobs", "B", ()) == ()
        deadline = time.monotonic() + 20
        while not groups.heartbeat("jobs", "B", ()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert set(groups.state("jobs").consumers) == {"B"}
        engine.dispose()

    def test_shards_that_are_older_than_the_group_are_asked_for_again(self, url: str) -> None:
        engine = make_engine(url)
        logs = LogsInShards.of(1)
        groups = sql_consumer_groups(engine, "shop", "nginx", logs.extents)
        groups.create(ConsumerGroup("jobs", 60))
        old = logs.extents()
        logs.split(0)
        groups.state("jobs")
        asked = [old, logs.extents()]
        late = sql_consumer_groups(engine, "shop", "nginx", lambda: asked.pop(0))
        assert [one.shard for one in late.heartbeat("jobs", "A", ())] == [1, 2]
        assert asked == []
        engine.dispose()

    def test_a_dropped_logstore_takes_its_groups_along(self, url: str) -> None:
        catalogue, engine = open_sql_catalogue(url), make_engine(url)
        groups = sql_consumer_groups(engine, "shop", "nginx", LogsInShards.of(1).extents)
        groups.create(ConsumerGroup("jobs", 60))
        groups.heartbeat("jobs", "A", ())
        catalogue.delete_logstore("shop", "nginx")
        with refused("LogStoreNotExist"):
            groups.create(ConsumerGroup("jobs", 60))
        with engine.connect() as connection:
            for table in ("consumer_group", "consumer", "seat"):
                assert connection.execute(sa.text(f"select count(*) from {table}")).scalar() == 0
        catalogue.close()
        engine.dispose()

    def test_a_kill_at_any_moment_leaves_a_step_whole_or_undone(self, url: str) -> None:
        engine = make_engine(url)
        logs = LogsInShards.of(2)
        logs.append(0, 5, shard=0)
        groups = sql_consumer_groups(engine, "shop", "nginx", logs.extents)
        groups.create(ConsumerGroup("jobs", 60))
        groups.heartbeat("jobs", "A", ())
        program = (
            "from tests.consumers.logs_in_shards import LogsInShards, cursor_at\n"
            "from transforms.connectors.sql_catalogue_engine import make_engine\n"
            "from transforms.connectors.sql_consumer_groups import sql_consumer_groups\n"
            "logs = LogsInShards.of(2)\n"
            "logs.append(0, 5, shard=0)\n"
            f"groups = sql_consumer_groups(make_engine({url!r}), 'shop', 'nginx', logs.extents)\n"
            "groups.save_checkpoint('jobs', 0, cursor_at(3), consumer='A', epoch=1)\n"
        )
        saved = []
        for moment in range(2):  # before and after the transaction
            crash.run_killed_at(program, moment)
            (stored,) = groups.checkpoints("jobs", 0)
            saved.append(stored.cursor)
        assert saved == [None, cursor_at(3)]
        assert crash.run(program) == ""
        engine.dispose()
