"""Exactly the logs between two places of a shard, in full groups, whatever became of their files since."""

from __future__ import annotations

import random

import pytest

from tests.connectors.logstore_rows import Open, group, numbered, values
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.field_columns import RECEIVE_TIME
from transforms.core.log_group import MAX_ROWS, LogGroup
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import Logstore


def read(store: Logstore, begin: Cursor, end: Cursor, shard: int = 0) -> list[str]:
    return values(store.read_range(shard, begin, end))


def pulled(store: Logstore, begin: Cursor, end: Cursor, rows: int, shard: int = 0) -> list[str]:
    found: list[str] = []
    while begin < end:
        answer = store.pull(shard, begin, until=end, max_rows=rows)
        found += [] if answer.group is None else values([answer.group])
        begin = answer.cursor
    return found


def test_what_lies_between_any_two_places(open_store: Open) -> None:
    store = open_store()
    for first in range(0, 30, 10):
        store.append([numbered(range(first, first + 10))])
    places = [BEGIN, *(store.reach(0, BEGIN, rows) for rows in range(1, 31))]
    everything = values(store.read())
    for low in range(0, 31, 3):
        for high in range(low, 31, 4):
            assert read(store, places[low], places[high]) == everything[low:high]
            assert read(store, places[low], places[high]) == pulled(store, places[low], places[high], 7)
    times = [time for one in store.read_range(0, places[5], places[25]) for time in one.table[RECEIVE_TIME].to_pylist()]
    assert times == [time for one in store.read() for time in one.table[RECEIVE_TIME].to_pylist()][5:25]


def test_tiny_commits_come_in_full_groups(open_store: Open) -> None:
    store = open_store(shards=2)
    for n in range(60):
        store.append([numbered([n])] if n % 2 else [group({"n": str(n), "odd": "x", f"f{n % 7}": ""})], hash_key="a")
        store.append([numbered([1_000 + n])], hash_key="b")
    shard = next(file.shard for file in store.snapshot().files if file.rows and file.shard)
    found = list(store.read_range(shard, BEGIN, store.end_cursor(shard)))
    assert len(found) == 1 and found[0].num_rows == 60
    other = values(store.read_range(1 - shard, BEGIN, store.end_cursor(1 - shard)))
    assert sorted([*values(found), *other], key=int) == [str(n) for n in (*range(60), *range(1_000, 1_060))]


def test_groups_are_full_and_bounded(open_store: Open) -> None:
    store = open_store()
    many = LogGroup.from_logs([{"n": str(n)} for n in range(50_000)], [7] * 50_000)
    for _ in range(4):
        store.append([many])
    sizes = [one.num_rows for one in store.read_range(0, store.reach(0, BEGIN, 10), store.end_cursor(0))]
    assert sizes == [MAX_ROWS, MAX_ROWS, MAX_ROWS, 199_990 - 3 * MAX_ROWS]
    store.append([LogGroup.from_logs([{"n": str(n), "text": "x" * 40_000} for n in range(1_000)], [7] * 1_000)])
    large = list(store.read_range(0, store.reach(0, BEGIN, 200_000), store.end_cursor(0)))
    assert sum(one.num_rows for one in large) == 1_000 and len(large) == 2
    assert list(store.read_range(0, store.end_cursor(0), store.end_cursor(0))) == []


def test_compaction_changes_nothing(open_store: Open) -> None:
    store = open_store()
    for n in range(20):
        store.append([numbered([2 * n, 2 * n + 1])])
    places = [store.reach(0, BEGIN, rows) for rows in (3, 11, 40)]
    before = read(store, places[0], places[1]), read(store, places[1], places[2])
    store.compact(min_files=2)
    store.vacuum(older_than_hours=0)
    assert (read(store, places[0], places[1]), read(store, places[1], places[2])) == before


def test_logs_that_are_gone_are_an_error_unless_they_were_before_the_first(open_store: Open) -> None:
    store = open_store()
    for n in range(6):
        store.append([numbered([2 * n, 2 * n + 1], at=100 + n)])
    store.compact(min_files=7)
    middle, end = store.reach(0, BEGIN, 1), store.end_cursor(0)
    store.expire(103)
    store.vacuum(older_than_hours=0)
    with pytest.raises(NotFound) as error:
        read(store, middle, end)
    assert error.value.code == "CursorExpired"
    assert read(store, BEGIN, end) == [str(n) for n in range(6, 12)]
    first = store.first_cursor(0)
    assert first > BEGIN and store.first_cursor(0, middle) == first and store.first_cursor(0, first) == first
    assert read(store, first, end) == [str(n) for n in range(6, 12)]
    assert store.reach(0, first, 2) > first
    store.expire(200)
    store.vacuum(older_than_hours=0)
    assert store.first_cursor(0) == end and read(store, BEGIN, end) == []


def test_first_cursor_of_a_store_that_has_all_is_the_place_itself(open_store: Open) -> None:
    store = open_store()
    assert store.first_cursor(0) == BEGIN
    store.append([numbered([1, 2, 3])])
    middle = store.reach(0, BEGIN, 2)
    assert store.first_cursor(0) == BEGIN and store.first_cursor(0, middle) == middle


def test_places_that_the_shard_does_not_have_are_refused(open_store: Open) -> None:
    store = open_store()
    store.append([numbered([1, 2, 3])])
    end = store.end_cursor(0)
    for begin, stop in ((BEGIN, Cursor(end.version + 1, 0, 1)), (Cursor(end.version, 0, 9), end)):
        with pytest.raises(ParameterInvalid) as error:
            read(store, begin, stop)
        assert error.value.code == "InvalidCursor"
    with pytest.raises(NotFound) as missing:
        read(store, BEGIN, end, shard=9)
    assert missing.value.code == "ShardNotExist"


def test_a_retired_shard_is_read_to_its_end(open_store: Open) -> None:
    store = open_store()
    store.append([numbered(range(10))])
    low, high = store.split_shard(0)
    store.append([numbered(range(10, 20))])
    assert read(store, BEGIN, store.end_cursor(0)) == [str(n) for n in range(10)]
    later = [value for shard in (low, high) for value in read(store, BEGIN, store.end_cursor(shard), shard)]
    assert later == [str(n) for n in range(10, 20)]


def test_random_ranges_of_a_store_that_is_compacted_all_the_while(open_store: Open) -> None:
    store, chance = open_store(), random.Random(3)
    written: list[str] = []
    places = [BEGIN]
    for step in range(40):
        numbers = range(len(written), len(written) + chance.randint(1, 6))
        store.append([numbered(numbers)])
        written += [str(n) for n in numbers]
        places.append(store.end_cursor(0))
        if step % 7 == 6:
            store.compact(min_files=2)
            store.vacuum(older_than_hours=0)
        low, high = sorted((chance.randrange(len(places)), chance.randrange(len(places))))
        assert read(store, places[low], places[high]) == pulled(store, places[low], places[high], 5)
    assert read(store, BEGIN, places[-1]) == written
