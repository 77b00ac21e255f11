"""A time is settled: whatever becomes visible afterwards was received later, and nobody else notices."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.connectors.logstore_rows import Open, numbered, values
from transforms.connectors.delta import create_delta_logstore, open_delta_logstore
from transforms.core.clock import FixedClock, SystemClock
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.stores.cursor import BEGIN
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

SECOND = 1_000_000


def test_what_comes_later_is_received_later(open_store: Open) -> None:
    clock = FixedClock(7 * SECOND)
    store = open_store(clock=clock)
    store.append([numbered([1, 2])])
    clock.set(20 * SECOND)
    store.settle(15 * SECOND)
    end = store.cursor_of(0, 15 * SECOND)
    assert end == store.end_cursor(0)
    assert store.extents().received == 15 * SECOND
    behind = open_store(clock=FixedClock(9 * SECOND))  # a writer whose clock is late
    assert behind.append([numbered([3])]).receive_time == 15 * SECOND + 1
    assert store.cursor_of(0, 15 * SECOND) == end
    assert values(store.read(received=Interval(0, 15 * SECOND))) == ["1", "2"]


def test_what_is_settled_stays_so_without_a_commit(open_store: Open) -> None:
    clock = FixedClock(7 * SECOND)
    store = open_store(clock=clock)
    store.settle(5 * SECOND)
    settled = store.version()
    store.settle(5 * SECOND)
    store.settle(3 * SECOND)
    assert store.version() == settled
    made = store.append([numbered([1])])
    assert made.receive_time == 7 * SECOND
    store.settle(7 * SECOND)
    assert store.version() == made.version


def test_a_time_to_come_cannot_be_settled(open_store: Open) -> None:
    store = open_store(clock=FixedClock(7 * SECOND))
    before = store.version()
    with pytest.raises(ParameterInvalid, match="may still be received"):
        store.settle(7 * SECOND + 1)
    assert store.version() == before
    store.settle(7 * SECOND)


def test_readers_notice_nothing(open_store: Open) -> None:
    clock = FixedClock(7 * SECOND)
    store = open_store(shards=2, clock=clock)
    store.commit(store.write_files([numbered([1])], shard=0), app=AppTransaction("lane", 1))
    place = store.end_cursor(0)
    known, version = store.snapshot().files, store.version()
    clock.set(9 * SECOND)
    store.settle(8 * SECOND)
    assert store.snapshot().files == known
    assert list(store.tail(version)) == []
    assert store.app_version("lane") == 1
    assert store.end_cursor(0) == place
    assert store.lag_us(0, place) == store.lag_us(1, BEGIN) == 0
    assert store.pull(0, place).group is None
    store.commit(store.write_files([numbered([2])], shard=0))
    fresh = open_store(shards=2)
    for reader in (store, fresh):
        pulled = reader.pull(0, place)
        assert pulled.group is not None
        assert values([pulled.group]) == ["2"]
        assert reader.time_of(0, BEGIN) == 7 * SECOND
        assert [batch.receive_time for batch in reader.tail(version)] == [9 * SECOND]


def test_of_racing_appenders_each_is_before_or_after(tmp_path: Path) -> None:
    descriptor = LogstoreDescriptor("demo", "web", str(tmp_path / "web"), even_shards(1))
    create_delta_logstore(descriptor)
    over = threading.Event()
    wrong: list[BaseException] = []

    def append() -> None:
        store = open_delta_logstore(descriptor)
        try:
            while not over.is_set():
                store.append([numbered([1])])
        except BaseException as error:
            wrong.append(error)

    writers = [threading.Thread(target=append) for _ in range(3)]
    for writer in writers:
        writer.start()
    store, clock = open_delta_logstore(descriptor), SystemClock()
    told = []
    for _ in range(12):
        moment = clock.now_us()
        store.settle(moment)
        told.append((moment, store.cursor_of(0, moment), sum(group.num_rows for group in store.read(received=Interval(0, moment)))))
        time.sleep(0.02)
    over.set()
    for writer in writers:
        writer.join()
    assert wrong == []
    fresh = open_delta_logstore(descriptor)
    assert fresh.extents().received > told[-1][0]
    for moment, end, logs in told:
        assert fresh.cursor_of(0, moment) == end
        assert sum(group.num_rows for group in fresh.read(received=Interval(0, moment))) == logs
