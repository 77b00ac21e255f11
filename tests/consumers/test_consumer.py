"""A consumer in this process: where it begins, when it ends, what becomes of errors, what it costs when there is nothing."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from pipelines.consumer import Consumer, Place, ProcessFailed
from pipelines.home import Home
from tests.pipelines.import_probe import make_store
from transforms.core.errors import AlreadyExists, LogsluiceError, NotFound, ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.stores.consumer_group import ConsumerGroup
from transforms.stores.cursor import BEGIN, Cursor


class Reading:
    """What a consumer was handed."""

    def __init__(self) -> None:
        self.logs: list[tuple[int, int]] = []
        self.places: list[Place] = []

    def __call__(self, group: LogGroup, place: Place) -> None:
        self.places.append(place)
        self.logs += [(place.shard, int(log["n"])) for log in group.to_logs()]


@pytest.fixture
def web(home: Home) -> Home:
    make_store(home)
    home.consumer_groups("default", "web").create(ConsumerGroup("jobs", 10))
    return home


def append(home: Home, shard: int, *numbers: int) -> None:
    store = home.open_logstore("default", "web")
    group = LogGroup.from_logs([{"n": str(n)} for n in numbers], [5] * len(numbers))
    store.commit(store.write_files([group], shard=shard))


def consume(home: Home, process: Any, name: str = "ada", **options: Any) -> int:
    return Consumer(home, "web", "jobs", name, retry_seconds=0, **options).run(process, until_idle=True)


def checkpoints(home: Home) -> dict[int, Cursor | None]:
    return {one.shard: one.cursor for one in home.consumer_groups("default", "web").checkpoints("jobs")}


def refused(code: str, home: Home, process: Any, **options: Any) -> LogsluiceError:
    with pytest.raises(LogsluiceError) as error:
        consume(home, process, **options)
    assert error.value.code == code
    return error.value


def test_all_logs_then_those_that_came_since(web: Home) -> None:
    append(web, 0, 1, 2, 3)
    append(web, 1, 4)
    append(web, 0, 5)
    first = Reading()
    assert consume(web, first, max_rows=2) == 5
    assert sorted(first.logs) == [(0, 1), (0, 2), (0, 3), (0, 5), (1, 4)]
    in_first = [place for place in first.places if place.shard == 0]
    assert in_first[0].begin == BEGIN and in_first[0].end == in_first[1].begin, "places follow each other"
    store = web.open_logstore("default", "web")
    assert checkpoints(web) == {shard: store.end_cursor(shard) for shard in (0, 1)}
    assert web.consumer_groups("default", "web").state("jobs").consumers == {}
    append(web, 1, 6)
    second = Reading()
    assert consume(str(web.path), second) == 1 and second.logs == [(1, 6)]  # type: ignore[arg-type]
    assert consume(web, second) == 0
    web.consumer_groups("default", "web").reset("jobs", {})
    again = Reading()
    assert consume(web, again) == 6 and sorted(again.logs) == sorted(first.logs + second.logs), "a reset group reads anew"


def test_fields_and_a_stop_by_the_users_code(web: Home) -> None:
    append(web, 0, 1, 2, 3, 4)
    consumer = Consumer(web, "web", "jobs", "ada", max_rows=2, fields=["other"])
    seen = []

    def process(group: LogGroup, place: Place) -> None:
        seen.append((group.num_rows, group.fields))
        consumer.stop()

    assert consumer.run(process) == 2 and seen == [(2, ())]
    assert checkpoints(web)[0] not in (None, BEGIN), "what was in hand is saved"
    assert consumer.run(process) == 0, "it stays stopped"


def test_a_start_at_the_end_or_a_time_holds_for_all_shards_and_once(web: Home) -> None:
    append(web, 0, 1)
    reading = Reading()
    assert consume(web, reading, start="end") == 0
    low, high = web.open_logstore("default", "web").split_shard(0)
    append(web, low, 2)
    append(web, high, 3)
    append(web, 1, 4)
    assert consume(web, reading, start="end") == 3
    assert sorted(reading.logs) == [(1, 4), (low, 2), (high, 3)], "shards that a split made are read from their beginning"
    assert consume(web, reading, start="begin") == 0

    web.consumer_groups("default", "web").create(ConsumerGroup("late", 10))
    newest = web.open_logstore("default", "web").extents().received
    late = Reading()
    assert Consumer(web, "web", "late", "ada", start=newest).run(late, until_idle=True) == 1
    assert late.logs == [(1, 4)]


def test_children_follow_a_retired_shard_in_order(web: Home) -> None:
    web.consumer_groups("default", "web").update("jobs", order=True)
    append(web, 0, *range(10))
    low, _ = web.open_logstore("default", "web").split_shard(0)
    append(web, low, 10, 11)
    reading = Reading()
    assert consume(web, reading, max_rows=3) == 12
    assert reading.logs == [*((0, n) for n in range(10)), (low, 10), (low, 11)]
    assert web.consumer_groups("default", "web").state("jobs").seats[0].state == "over"


def test_code_that_fails_is_tried_again_then_raised_with_the_place(web: Home) -> None:
    append(web, 0, 1, 2)
    calls: list[int] = []

    def twice(group: LogGroup, _: Place) -> None:
        calls.append(group.num_rows)
        if len(calls) < 3:
            raise OSError("no route")

    assert consume(web, twice) == 2 and calls == [2, 2, 2]
    append(web, 1, 3)
    before = checkpoints(web)

    def never(group: LogGroup, place: Place) -> None:
        raise ValueError(f"{group.num_rows} in {place.shard}")

    with pytest.raises(ProcessFailed) as error:
        consume(web, never, tries=2)
    end = web.open_logstore("default", "web").end_cursor(1)
    assert error.value.message == f"processing shard 1 from MC4wLjA= to {end.text} failed: ValueError: 1 in 1 (2 tries)"
    assert isinstance(error.value.__cause__, ValueError)
    assert error.value.hint is not None and f"reset web jobs --shard 1 --cursor {end.text}" in error.value.hint
    assert checkpoints(web) == before
    assert web.consumer_groups("default", "web").state("jobs").consumers == {}, "who fails leaves its shards to others"


def test_a_checkpoint_that_was_forced_elsewhere_wins(web: Home) -> None:
    append(web, 0, 1, 2, 3, 4)
    reading, end = Reading(), web.open_logstore("default", "web").end_cursor(0)

    def process(group: LogGroup, place: Place) -> None:
        reading(group, place)
        web.consumer_groups("default", "web").save_checkpoint("jobs", 0, end, force=True)

    assert consume(web, process, max_rows=2) == 2
    assert checkpoints(web)[0] == end


def test_a_group_that_is_deleted_meanwhile_ends_its_consumers(web: Home) -> None:
    append(web, 0, 1)
    refused("ConsumerGroupNotExist", web, lambda *_: web.consumer_groups("default", "web").delete("jobs"))


def test_what_cannot_be_is_refused(web: Home) -> None:
    with pytest.raises(NotFound, match="job") as error:
        Consumer(web, "web", "job", "ada").run(Reading(), until_idle=True)
    assert error.value.hint == "did you mean 'jobs'?"
    with pytest.raises(NotFound, match="wep"):
        Consumer(web, "wep", "jobs", "ada").run(Reading(), until_idle=True)
    for options in ({"name": ""}, {"start": "middle"}, {"tries": 0}, {"beat_seconds": 0}, {"idle_seconds": 0}):
        with pytest.raises(ParameterInvalid):
            consume(web, Reading(), **options)
    assert refused("InvalidCursor", web, Reading(), position_of=lambda _: "what?").code


def test_a_name_that_is_taken_is_waited_for_until_the_time_out(web: Home) -> None:
    groups = web.consumer_groups("default", "web")
    groups.update("jobs", timeout_s=1)
    append(web, 0, 1)
    groups.heartbeat("jobs", "ada", (), incarnation="killed")
    reading = Reading()
    assert consume(web, reading) == 1, "its silence makes the name free"

    over = threading.Event()

    def other() -> None:
        mine = Home(web.path)
        while not over.wait(0.2):
            mine.consumer_groups("default", "web").heartbeat("jobs", "ada", (), incarnation="alive")
        mine.close()

    groups.heartbeat("jobs", "ada", (), incarnation="alive")
    thread = threading.Thread(target=other)
    thread.start()
    try:
        with pytest.raises(AlreadyExists, match="ada"):
            consume(web, reading)
    finally:
        over.set()
        thread.join()


def test_a_consumer_that_waits_for_its_name_can_be_stopped(web: Home) -> None:
    web.consumer_groups("default", "web").heartbeat("jobs", "ada", (), incarnation="alive")
    consumer = Consumer(web, "web", "jobs", "ada")
    threading.Timer(0.5, consumer.stop).start()
    began = time.monotonic()
    assert consumer.run(Reading()) == 0
    assert time.monotonic() - began < 8, "the time-out is 10 s"
    assert list(web.consumer_groups("default", "web").state("jobs").consumers) == ["ada"], "the other one stays"


def test_a_second_consumer_gets_its_part_while_the_first_works(web: Home) -> None:
    consumers = [Consumer(Home(web.path), "web", "jobs", name, idle_seconds=0.1, beat_seconds=0.2) for name in ("ada", "bob")]
    readings = [Reading(), Reading()]
    threads = [threading.Thread(target=one.run, args=(reading,)) for one, reading in zip(consumers, readings, strict=True)]
    groups = web.consumer_groups("default", "web")

    def owners() -> list[str]:
        return sorted(seat.owner for seat in groups.state("jobs").seats.values())

    for thread, expected in zip(threads, (["ada", "ada"], ["ada", "bob"]), strict=True):
        thread.start()
        deadline = time.monotonic() + 20
        while owners() != expected:
            assert time.monotonic() < deadline, owners()
            time.sleep(0.05)
    append(web, 0, 1)
    append(web, 1, 2)
    deadline = time.monotonic() + 20
    while sum(len(reading.logs) for reading in readings) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for one in consumers:
        one.stop()
    for thread in threads:
        thread.join(20)
    assert sorted(len(reading.logs) for reading in readings) == [1, 1]
    assert groups.state("jobs").consumers == {}


def test_an_idle_consumer_costs_next_to_nothing(web: Home) -> None:
    append(web, 0, 1)
    consumer = Consumer(web, "web", "jobs", "ada")
    timer = threading.Timer(5.5, consumer.stop)
    began: list[float] = []
    timer.start()
    consumer.run(lambda *_: began.append(time.process_time()))
    spent = time.process_time() - began[0]
    assert spent < 0.02 * 5, f"{spent:.3f} s of a core in 5 s"
