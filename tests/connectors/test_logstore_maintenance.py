"""What every Logstore adapter must do when it tidies up: compaction, vacuum, expiry, new indexes. No log may be lost or changed."""

from __future__ import annotations

import gc
import os
import time
import weakref
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.connectors.logstore_rows import Open, group, numbered, rows, values
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS
from transforms.core.interval import Interval
from transforms.stores.cursor import BEGIN
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import AppTransaction, Logstore


def stamped(store: Logstore) -> list[tuple[int, int, int, str]]:
    found: list[tuple[int, int, int, str]] = []
    for one in store.read():
        columns = [one.table[name].to_pylist() for name in (RECEIVE_TIME, TIME, TIME_NS)]
        found += zip(*columns, values([one]), strict=True)
    return sorted(found)


def test_compaction_keeps_logs_order_and_receive_times_and_no_tail_sees_it(open_store: Open) -> None:
    store = open_store(shards=2, index=Index(None, {"n": FieldIndex("long")}))
    for n in range(20):
        store.append([numbered([n, n + 100], at=1_000 - n % 3)], hash_key="k" if n % 2 else "x")
    before, version = stamped(store), store.version()
    shards_before: Counter[int] = Counter()
    for file in store.snapshot().files:
        shards_before[file.shard] += file.rows
    report = store.compact(min_files=2)
    after = store.snapshot()
    assert (report.files_removed, report.files_added, report.rows) == (20, len(shards_before), 40)
    assert len(after.files) == len(shards_before) and after.rows_total == 40
    assert Counter({file.shard: file.rows for file in after.files}) == shards_before
    assert report.bytes_removed > report.bytes_added == after.bytes_total
    assert stamped(store) == before
    assert list(store.tail(version)) == []
    assert len(list(store.tail(-1))) == 20  # the files of before are still there for slow readers
    assert {file.typed for file in after.files} == {(("n", "long"),)} and {file.receive_time for file in after.files} == {None}
    for one in store.read():
        order = list(zip(*(one.table[name].to_pylist() for name in (TIME, TIME_NS, RECEIVE_TIME)), strict=True))
        assert order == sorted(order)
    middle = before[20][0]
    part = [row for row in before if row[0] >= middle]
    assert sorted(values(store.read(received=Interval.of(middle, None)))) == sorted(row[3] for row in part)
    assert store.snapshot(received=Interval.of(before[-1][0] + 1, None)).files == ()
    assert store.compact(min_files=2).files_removed == 0
    store.append([numbered([500])], hash_key="x")
    store.append([numbered([501])], hash_key="x")
    assert store.compact(min_files=2).files_removed == 3  # files made by compaction are merged again
    assert [row[:3] for row in stamped(store)[:40]] == [row[:3] for row in before]


def test_compaction_waits_for_enough_files_and_keeps_different_fields_apart(open_store: Open) -> None:
    store = open_store()
    for n in range(4):
        store.append([group({"n": str(n), "a": "1", "b": "2"})])
        store.append([group({"n": str(n), **{f"x{i}": "1" for i in range(8)}})])
    assert store.compact(min_files=9).files_removed == 0
    store.compact(min_files=8)
    names = [set(pq.read_schema(file.path).names) & {"a", "x0"} for file in store.snapshot().files]
    assert sorted(map(sorted, names)) == [["a"], ["x0"]]
    assert sorted(values(store.read())) == sorted([*"0123", *"0123"])


def test_vacuum_deletes_what_nobody_can_see_and_nothing_else(open_store: Open) -> None:
    store = open_store()
    for n in range(8):
        store.append([numbered([n])])
    lost = store.write_files([numbered([99])])[0]
    in_flight = store.write_files([numbered([98])])[0]
    ancient = time.time() - 30 * 86_400
    os.utime(lost.path, (ancient, ancient))
    for file in store.snapshot().files:  # old, but visible
        os.utime(file.path, (ancient, ancient))
    store.compact(min_files=2)
    report = store.vacuum()
    assert (report.files_removed, report.bytes_removed) == (1, lost.size)
    assert not Path(lost.path).exists() and Path(in_flight.path).exists()
    assert store.commit([in_flight]).applied
    assert sorted(values(store.read()), key=int) == ["0", "1", "2", "3", "4", "5", "6", "7", "98"]
    cursor = store.version()
    assert store.vacuum(older_than_hours=0).files_removed == 8
    assert sorted(values(store.read()), key=int) == ["0", "1", "2", "3", "4", "5", "6", "7", "98"]
    with pytest.raises(NotFound) as error:
        for batch in store.tail(-1):
            values(batch.groups)
    assert error.value.code == "CursorExpired"
    assert list(store.tail(cursor)) == []
    with pytest.raises(ParameterInvalid):
        store.vacuum(older_than_hours=-1)


def test_expire_hides_whole_files_of_old_logs(open_store: Open) -> None:
    store = open_store()
    for start in (0, 100, 200):
        store.append([group({"n": str(start)}, {"n": str(start + 50)}, at=[start, start + 50])])
    report = store.expire(151)
    assert (report.files_removed, report.rows, report.files_added) == (2, 4, 0)
    assert values(store.read()) == ["200", "250"]
    version = store.version()
    assert store.expire(250).files_removed == 0 and store.version() == version
    assert store.expire(251).files_removed == 1
    assert list(store.read()) == []


def test_reindex_gives_old_files_the_typed_columns_of_a_new_index(open_store: Open) -> None:
    store = open_store()
    for n in range(3):
        store.append([group({"n": str(n), "d": "0.5"}, {"n": "x"})])
    store.append([group({"other": "1"})])
    before, version = rows(store.read()), store.version()
    times = [file.receive_time for file in store.snapshot().files]
    index = Index(None, {"n": FieldIndex("long"), "d": FieldIndex("double")})
    report = store.reindex(index)
    assert (report.files_removed, report.files_added) == (3, 3)
    found = store.snapshot().files
    assert [file.typed for file in found] == [(("d", "double"), ("n", "long"))] * 3 + [()]
    assert [file.receive_time for file in found] == times
    assert rows(store.read()) == before and list(store.tail(version)) == []
    numbers = pq.read_table(found[1].path, columns=["n~~long", "d~~double"]).to_pylist()
    assert numbers == [{"n~~long": 1, "d~~double": 0.5}, {"n~~long": None, "d~~double": None}]
    assert store.reindex(index).files_removed == 0
    store.set_index(Index(None, {"n": FieldIndex("double")}))
    store.append([group({"n": "7"})])
    assert store.snapshot().files[-1].typed == (("n", "double"),)
    assert store.reindex(None).files_removed == 4
    assert {file.typed for file in store.snapshot().files} == {()}


def test_a_logstore_that_nobody_needs_any_more_is_gone_at_once(open_store: Open) -> None:
    """A service opens one for each look. In a cycle they, and the tables they hold, would wait for the garbage collector, for hours."""
    store = open_store(shards=2)
    gc.collect()
    gc.disable()
    try:
        store.append([numbered([1, 2])], hash_key="k", app=AppTransaction("app", 1))
        store.compact(min_files=1)
        shard = store.snapshot().files[0].shard
        store.split_shard(1 - shard)
        assert values(store.read_range(shard, BEGIN, store.extents().shards[shard].end)) == ["1", "2"]
        assert store.lag_us(shard, BEGIN) > 0
        assert values(store.read()) == ["1", "2"] and len(list(store.tail(-1))) == 1
        gone = weakref.ref(store)
        del store
        assert gone() is None
    finally:
        gc.enable()
