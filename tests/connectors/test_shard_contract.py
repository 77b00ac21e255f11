"""What every Logstore promises of its shards: splits and merges, places, pulling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.connectors.logstore_rows import ADAPTERS, Open, group, numbered, values
from transforms.core.clock import FixedClock
from transforms.core.errors import NotFound, ParameterInvalid, UserError
from transforms.core.field_columns import RECEIVE_TIME
from transforms.core.log_group import LogGroup
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import AppTransaction, Logstore, LogstoreDescriptor
from transforms.stores.shard import digits_of_key, shard_of_key
from transforms.stores.shard_map import KEPT_EMPTY_US, MOST_SHARDS

SECOND = 1_000_000


def pulled(store: Logstore, shard: int, cursor: Cursor = BEGIN, **bounds: Any) -> list[str]:
    """The numbers of all logs behind a cursor."""
    return [number for one in groups(store, shard, cursor, **bounds) for number in values([one])]


def groups(store: Logstore, shard: int, cursor: Cursor = BEGIN, **bounds: Any) -> Iterator[LogGroup]:
    for _ in range(1_000):
        answer = store.pull(shard, cursor, **bounds)
        if answer.group is None:
            assert answer.cursor == store.end_cursor(shard)
            return
        assert answer.cursor > cursor
        yield answer.group
        cursor = answer.cursor
    raise AssertionError("it never ends")


def fill(store: Logstore, shard: int, *numbers: int) -> None:
    store.commit(store.write_files([numbered(numbers)], shard=shard))


# --- splitting and merging ----------------------------------------------------------------------------------------------------


def test_split_and_merge_seal_the_retired_and_make_new_ones(open_store: Open) -> None:
    store = open_store(shards=2, clock=FixedClock(7 * SECOND))
    fill(store, 0, 1, 2)
    assert [record.made_us for record in store.shard_map().records] == [0, 0]
    assert store.split_shard(0) == (2, 3)
    assert store.merge_shards(3) == 4
    shards = store.shard_map()
    assert [(record.shard.id, record.parents, record.writable) for record in shards.records] == [
        (0, (), False), (1, (), False), (2, (0,), True), (3, (0,), False), (4, (3, 1), True),
    ]  # fmt: skip
    assert shards.records[0].end == store.end_cursor(0) == Cursor(store.version() - 2, 0, 2)
    assert shards.records[1].end == shards.records[3].end == BEGIN
    assert shards.records[4].made_us > 7 * SECOND
    extents = store.extents()
    assert extents.version == store.version()
    assert extents.received == 7 * SECOND
    assert {shard: (extent.retired, set(extent.ancestors)) for shard, extent in extents.shards.items()} == {
        0: (True, set()), 1: (True, set()), 2: (False, {0}), 3: (True, {0}), 4: (False, {0, 1, 3}),
    }  # fmt: skip
    again = open_store(shards=2)
    assert again.shard_map() == shards
    assert again.extents() == extents


def test_what_cannot_be_split_or_merged_is_refused(open_store: Open) -> None:
    store = open_store(shards=2)
    before = store.shard_map()
    edge = before.record(1).shard.begin_key
    for refused in (lambda: store.merge_shards(1), lambda: store.split_shard(0, edge), lambda: store.split_shard(0, "xyz")):
        with pytest.raises(ParameterInvalid):
            refused()
    for unknown in (lambda: store.merge_shards(7), lambda: store.split_shard(7), lambda: store.pull(7, BEGIN), lambda: store.end_cursor(7)):
        with pytest.raises(NotFound) as error:
            unknown()
        assert error.value.code == "ShardNotExist"
    assert store.shard_map() == before
    store.split_shard(0, "1")
    for retired in (lambda: store.merge_shards(0), lambda: store.split_shard(0)):
        with pytest.raises(ParameterInvalid, match="takes no logs any more"):
            retired()
    with pytest.raises(UserError) as late:
        store.write_files([numbered([1])], shard=0)
    assert late.value.code == "ShardReadOnly"


def test_there_is_a_limit_of_shards(open_store: Open) -> None:
    store = open_store(shards=MOST_SHARDS)
    with pytest.raises(ParameterInvalid, match=str(MOST_SHARDS)):
        store.split_shard(0)
    store.merge_shards(0)
    store.split_shard(2)


def test_retired_shards_are_forgotten_when_their_logs_are_long_gone(open_store: Open) -> None:
    clock = FixedClock(7 * SECOND)
    store = open_store(shards=1, clock=clock)
    fill(store, 0, 1)
    low, high = store.split_shard(0)
    fill(store, high, 2)
    store.split_shard(high)
    clock.sleep(KEPT_EMPTY_US / SECOND)
    store.expire(1_000)
    store.split_shard(low)  # nobody is hasty
    assert [record.shard.id for record in store.shard_map().records] == list(range(7))
    clock.sleep(60)
    newest = store.shard_map().records[-1].shard.id
    made = store.split_shard(newest)
    assert made == (7, 8)
    assert [(record.shard.id, record.writable) for record in store.shard_map().records] == [
        (1, False), (3, True), (4, True), (5, True), (6, False), (7, True), (8, True),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        store.pull(0, BEGIN)
    assert set(store.extents().shards) == {1, 3, 4, 5, 6, 7, 8}
    assert store.extents().shards[7].ancestors == {1, 6}


def test_new_logs_go_to_writable_shards_alone(open_store: Open) -> None:
    store = open_store(shards=1)
    old = open_store(shards=1)  # has seen the shard whole
    low, high = store.split_shard(0)
    for number in range(8):
        old.append([numbered([number])])
    assert {file.shard for file in store.snapshot().files} == {low, high}
    assert pulled(store, 0) == []
    for key in ("a", "b", "日", ""):
        (file,) = old.write_files([numbered([1])], hash_key=key)
        assert file.shard == shard_of_key(store.shard_map().writable, key).id
        assert file.place == digits_of_key(key)
        (same,) = old.write_files([numbered([1])], place=digits_of_key(key))
        assert (same.shard, same.place) == (file.shard, file.place)


# --- files that were written before -------------------------------------------------------------------------------------------


def test_files_of_a_retired_shard_go_to_those_that_took_over(open_store: Open) -> None:
    store = open_store(shards=1)
    balanced = [file for n in range(6) for file in store.write_files([numbered([n])])]
    keyed = {key: store.write_files([group({"n": key})], hash_key=key) for key in ("a", "b", "c", "d")}
    told = store.write_files([numbered([6])], shard=0)
    low, high = store.split_shard(0)
    app = AppTransaction("job", 1)
    done = store.commit([*balanced, *told, *(file for files in keyed.values() for file in files)], app=app)
    assert done.applied
    assert pulled(store, 0) == []
    assert Counter(pulled(store, low) + pulled(store, high)) == Counter([*map(str, range(7)), "a", "b", "c", "d"])
    for key in keyed:
        assert key in pulled(store, shard_of_key(store.shard_map().writable, key).id)
    assert not store.commit(balanced, app=app).applied
    again = store.write_files([numbered([7])], shard=high)
    assert store.merge_shards(low) == 3
    store.commit(again)
    assert pulled(store, 3) == ["7"]


@pytest.mark.parametrize("fields", [1_000, 1])
def test_logs_that_a_field_places_are_divided_again(open_store: Open, fields: int) -> None:
    store = open_store(shards=2, field_columns=fields)  # with one column "who" is among the rare fields
    logs = [{"n": str(n), "who": f"user {n % 7}"} for n in range(40)] + [{"n": "40"}]
    files = store.write_files([group(*logs[:20]), group(*logs[20:])], hash_field="who", origin="x")
    assert {file.shard for file in files} == {0, 1}
    store.split_shard(0)
    store.split_shard(1)
    store.merge_shards(3)
    store.commit(files, app=AppTransaction("job", 1))
    writable = store.shard_map().writable
    found = {shard.id: [log for one in groups(store, shard.id) for log in one.to_logs()] for shard in writable}
    assert sorted(int(log["n"]) for logs in found.values() for log in logs) == list(range(41))
    for shard, here in found.items():
        assert [shard_of_key(writable, log["who"]).id for log in here if "who" in log] == [shard for log in here if "who" in log]
        for user in {log.get("who") for log in here}:
            numbers = [int(log["n"]) for log in here if log.get("who") == user]
            assert numbers == sorted(numbers)
    assert store.commit((), app=AppTransaction("job", 2), replaces="x").replaced == ("x",)  # they kept their origin
    assert store.snapshot().rows_total == 0


# --- places -------------------------------------------------------------------------------------------------------------------


def test_places_by_time_and_back(open_store: Open) -> None:
    clock = FixedClock(10 * SECOND)
    store = open_store(shards=2, clock=clock)
    assert store.end_cursor(0) == store.cursor_of(0, 0) == BEGIN
    assert store.time_of(0, BEGIN) == 1  # an empty store: nothing was received before
    for second, shard in ((10, 0), (20, 1), (30, 0), (40, 0)):
        clock.set(second * SECOND)
        fill(store, shard, second, second + 1)
    assert store.cursor_of(0, 10 * SECOND) == BEGIN
    for first, left in ((11, ["30", "31", "40", "41"]), (30, ["30", "31", "40", "41"]), (31, ["40", "41"]), (41, [])):
        assert pulled(store, 0, store.cursor_of(0, first * SECOND)) == left, first
    assert store.cursor_of(0, 41 * SECOND) == store.end_cursor(0)
    assert pulled(store, 1, store.cursor_of(1, 15 * SECOND)) == ["20", "21"]
    for second in (10, 30, 40):
        assert store.time_of(0, store.cursor_of(0, second * SECOND)) == second * SECOND
    inside = replace(store.cursor_of(0, 31 * SECOND), row=1)
    assert pulled(store, 0, inside) == ["31", "40", "41"]
    assert store.time_of(0, inside) == 30 * SECOND
    assert store.time_of(0, store.end_cursor(0)) == store.time_of(1, store.end_cursor(1)) == 40 * SECOND + 1
    assert store.lag_us(0, store.end_cursor(0)) == 0
    assert store.lag_us(0, store.cursor_of(0, 40 * SECOND)) == 1
    assert store.lag_us(0, BEGIN) == 30 * SECOND + 1
    assert store.lag_us(1, BEGIN) == 1


def test_places_that_a_shard_does_not_have(open_store: Open) -> None:
    store = open_store(shards=2)
    fill(store, 0, 1, 2)
    fill(store, 1, 3)
    version = store.end_cursor(0).version
    for wrong in (Cursor(version, 0, 3), Cursor(version, 1, 1), Cursor(version, 0, 0), Cursor(version + 1, 0, 1), Cursor(99, 0, 1)):
        for ask in (store.pull, store.time_of, store.lag_us):
            with pytest.raises(ParameterInvalid) as error:
                ask(0, wrong)
            assert error.value.code == "InvalidCursor"
    assert pulled(store, 0, Cursor(version, 0, 1)) == ["2"]


# --- pulling ------------------------------------------------------------------------------------------------------------------


def test_pulled_groups_are_bounded_and_in_order(open_store: Open) -> None:
    store = open_store(shards=2)
    for n in range(0, 40, 4):
        store.commit([*store.write_files([numbered([n, n + 1])], shard=0), *store.write_files([numbered([-n])], shard=1),
                      *store.write_files([numbered([n + 2, n + 3])], shard=0)])  # fmt: skip
    everything = [str(n) for n in range(40)]
    for rows in (1, 2, 3, 7, 40, 1_000):
        found = list(groups(store, 0, max_rows=rows))
        assert [number for one in found for number in values([one])] == everything
        assert max(one.num_rows for one in found) <= rows
        assert len(found) == -(-40 // rows)
        received = [moment for one in found for moment in one.table[RECEIVE_TIME].to_pylist()]
        assert received == sorted(received) and len(set(received)) == 10
    assert [one.num_rows for one in groups(store, 0, max_bytes=1)] == [1] * 40  # never less than one log
    (some,) = groups(store, 0, store.cursor_of(0, received[-1]), fields=["x"])
    assert (some.num_rows, some.fields) == (4, ())
    bounds: Any
    for bounds in ({"max_rows": 0}, {"max_bytes": 0}):
        with pytest.raises(ParameterInvalid):
            store.pull(0, BEGIN, **bounds)


def test_big_and_small_logs_are_bounded_by_their_bytes(open_store: Open) -> None:
    store = open_store()
    sizes = [10, 900_000, 20, 400_000, 400_000, 30, 2_000_000, 5]
    for part in (sizes[:5], sizes[5:]):
        store.append([group(*({"n": "x" * size} for size in part))])
    found = [[len(value) for value in values([one])] for one in groups(store, 0, max_bytes=1_000_000)]
    assert [size for sizes_ in found for size in sizes_] == sizes
    assert all(sum(sizes_) <= 1_000_000 or len(sizes_) == 1 for sizes_ in found)
    assert len(found) < len(sizes)


def test_a_range_is_fixed_and_then_read(open_store: Open) -> None:
    store = open_store()
    for n in range(0, 30, 3):
        fill(store, 0, n, n + 1, n + 2)
    place = BEGIN
    seen: list[str] = []
    while (until := store.reach(0, place, 7)) != place:
        fill(store, 0, 100 + len(seen))  # what comes meanwhile belongs to later ranges
        slice_ = []
        while place < until:
            answer = store.pull(0, place, until=until, max_rows=4)
            assert answer.group is not None
            slice_ += values([answer.group])
            place = answer.cursor
        assert place == until and store.pull(0, place, until=until).group is None
        assert len(slice_) <= 7
        seen += slice_
        if len(seen) > 60:
            break
    assert seen[:30] == [str(n) for n in range(30)]
    with pytest.raises(ParameterInvalid):
        store.reach(0, BEGIN, 0)


def test_a_retired_shard_is_read_to_its_end(open_store: Open) -> None:
    store = open_store()
    fill(store, 0, 1, 2)
    before = store.pull(0, BEGIN)
    assert not before.ended
    low, _ = store.split_shard(0)
    first = store.pull(0, BEGIN, max_rows=1)
    assert (first.group is not None, first.ended) == (True, False)
    last = store.pull(0, first.cursor)
    assert last.group is not None and last.ended and last.cursor == before.cursor
    assert store.pull(0, last.cursor) == replace(last, group=None)
    assert store.extents().shards[0].read_to_end(last.cursor)
    assert not store.pull(low, BEGIN).ended
    store.merge_shards(low)
    assert store.pull(low, BEGIN).ended  # an empty one is over at once


def test_rare_fields_and_fields_of_some_files(open_store: Open) -> None:
    store = open_store(field_columns=1)
    logs = [{"n": str(n), f"f{n}": "v"} for n in range(5)]
    for log in logs:
        store.append([group(log)])
    (found,) = groups(store, 0)
    assert list(found.to_logs()) == logs
    (found,) = groups(store, 0, fields=["f3"])
    assert list(found.to_logs()) == [{}, {}, {}, {"f3": "v"}, {}]


# --- compaction, retention, vacuum --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vacuumed", [False, True])
def test_cursors_survive_compaction(open_store: Open, vacuumed: bool) -> None:
    store = open_store()
    for n in range(0, 60, 6):
        # Two files of one commit in one shard, whose times cross: merged, their logs are mixed.
        files = [*store.write_files([group({"n": str(n)}, {"n": str(n + 1)}, {"n": str(n + 2)}, at=[n // 2, 50, 90])], shard=0),
                 *store.write_files([group({"n": str(n + 3)}, {"n": str(n + 4)}, {"n": str(n + 5)}, at=[40, 50, 100 + n])], shard=0)]  # fmt: skip
        store.commit(files)
    cursors, place = [], BEGIN
    while (answer := store.pull(0, place, max_rows=1)).group is not None:
        cursors.append(place)
        place = answer.cursor
    for round_ in range(2):
        assert store.compact(min_files=2).files_added == 1
        if vacuumed:
            assert store.vacuum(older_than_hours=0).files_removed > 0
        for number, cursor in list(enumerate(cursors))[::7]:
            assert pulled(store, 0, cursor, max_rows=11) == [str(n) for n in range(number, 60)] + ["x"] * round_
        fill_more = store.append([group({"n": "x"}, at=0)])
        assert store.time_of(0, store.end_cursor(0)) == fill_more.receive_time + 1
    assert [store.time_of(0, cursor) for cursor in cursors] == sorted(store.time_of(0, cursor) for cursor in cursors)


def test_reindexed_and_replaced_files_are_found_too(open_store: Open) -> None:
    from transforms.stores.index import FieldIndex, Index

    store = open_store()
    store.append([numbered([1, 2])], origin="a")
    store.append([numbered([3, 4])], origin="b")
    store.append([numbered([5])])
    place = store.pull(0, BEGIN, max_rows=1).cursor
    store.reindex(Index(None, {"n": FieldIndex("long")}))
    store.vacuum(older_than_hours=0)
    assert pulled(store, 0, place) == ["2", "3", "4", "5"]
    store.compact(min_files=2)
    store.append([numbered([6])], origin="b", app=AppTransaction("b", 1), replaces="b")
    assert pulled(store, 0, place) == ["2", "3", "4", "5", "6"] or pulled(store, 0, place) == ["2", "5", "6"]
    store.vacuum(older_than_hours=0)
    assert pulled(store, 0, place) == ["2", "5", "6"]  # what was replaced before it was read is not there any more
    assert pulled(store, 0) == ["1", "2", "5", "6"]


def test_logs_that_expired_under_a_reader_are_told(open_store: Open) -> None:
    store = open_store()
    for at in (10, 20, 30, 40):
        store.append([numbered([at, at + 1], at=at)])
    inside = store.pull(0, BEGIN, max_rows=3).cursor
    border = store.pull(0, BEGIN, max_rows=4).cursor
    store.expire(30)
    assert pulled(store, 0, inside) == ["21", "30", "31", "40", "41"]  # not visible, but there
    store.vacuum(older_than_hours=0)
    with pytest.raises(NotFound) as error:
        store.pull(0, inside)
    assert error.value.code == "CursorExpired"
    assert pulled(store, 0, border) == ["30", "31", "40", "41"]
    assert pulled(store, 0) == ["30", "31", "40", "41"]
    store.append([numbered([50], at=5)])
    store.append([numbered([60], at=60)])
    store.expire(30)
    store.vacuum(older_than_hours=0)
    # A hole further on is gone before a reader is told to go on there.
    assert pulled(store, 0, border, max_rows=3) == ["30", "31", "40", "41", "60"]
    before = store.pull(0, BEGIN, max_rows=4)
    assert before.group is not None and values([before.group]) == ["30", "31", "40", "41"]
    assert before.cursor > store.cursor_of(0, store.extents().received) or pulled(store, 0, before.cursor) == ["60"]
    until = store.end_cursor(0)
    with pytest.raises(NotFound, match="cleaned away"):
        for _ in range(2):
            border = store.pull(0, border, until=until).cursor  # a range that was fixed is read whole or not at all
    store.expire(100)
    store.vacuum(older_than_hours=0)
    nothing = store.pull(0, BEGIN)
    assert (nothing.group, nothing.cursor) == (None, store.end_cursor(0))


def test_a_store_made_again_has_no_old_places(open_store: Open, describe: Callable[..., LogstoreDescriptor], adapter: str) -> None:
    clock = FixedClock(10 * SECOND)
    store = open_store(clock=clock)
    for n in range(5):
        fill(store, 0, n)
    old = store.end_cursor(0)
    ADAPTERS[adapter][2](describe())
    fresh = open_store(clock=clock)
    fill(fresh, 0, 7)
    clock.sleep(60)
    with pytest.raises(ParameterInvalid) as error:
        store.pull(0, old)
    assert error.value.code == "InvalidCursor"
    assert pulled(store, 0) == ["7"]
    assert store.extents() == fresh.extents()
