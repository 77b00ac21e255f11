"""Shards of a Delta Logstore whose log has been cleaned, or that an earlier version of Logsluice compacted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.connectors.logstore_rows import group, numbered
from tests.connectors.test_shard_contract import pulled
from transforms.connectors.delta import DeltaLogstore, create_delta_logstore
from transforms.connectors.delta import rewriting as rewriting_module
from transforms.connectors.delta.reading import row_groups
from transforms.core.clock import FixedClock
from transforms.core.errors import NotFound
from transforms.core.field_columns import FILE
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

SECOND = 1_000_000


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(SECOND)


@pytest.fixture
def open_again(tmp_path: Path, clock: FixedClock) -> Callable[[], DeltaLogstore]:
    descriptor = LogstoreDescriptor("demo", "web", str(tmp_path / "web"), even_shards(2))
    create_delta_logstore(descriptor)
    return lambda: DeltaLogstore(descriptor, clock=clock)


def clean(store: DeltaLogstore, before: int) -> None:
    """What a table library does to a log that is older than it shall be kept."""
    store._checkpoint()
    for version in range(before):
        (Path(store.descriptor.location) / "_delta_log" / f"{version:020d}.json").unlink(missing_ok=True)


def fill(store: DeltaLogstore, clock: FixedClock, numbers: Iterator[int] | range, shard: int = 0) -> None:
    for n in numbers:
        clock.set(n * SECOND)
        # Two files of one commit, and an event time that runs backwards: merged, the logs are in another order.
        store.commit([*store.write_files([group({"n": f"{n}a"}, {"n": f"{n}b"}, at=[-n, 5])], shard=shard),
                      *store.write_files([group({"n": f"{n}c"}, at=-5)], shard=shard)])  # fmt: skip


def commit_of(logs: list[str]) -> list[list[str]]:
    """Logs by the commit they came with, in it sorted: which of its files comes first is not told any more."""
    return [sorted(logs[at : at + 3]) for at in range(0, len(logs), 3)]


def expected(numbers: range) -> list[list[str]]:
    return [[f"{n}a", f"{n}b", f"{n}c"] for n in numbers]


@pytest.mark.parametrize("compacted", [False, True])
def test_the_beginning_is_before_what_the_log_tells(open_again: Callable[[], DeltaLogstore], clock: FixedClock, compacted: bool) -> None:
    store = open_again()
    fill(store, clock, range(1, 9))
    if compacted:
        store.compact(min_files=2)
        store.vacuum(older_than_hours=0)
    fill(store, clock, range(9, 11))
    old = store.pull(0, BEGIN, max_rows=5).cursor
    end = store.end_cursor(0)
    clean(store, store.end_cursor(0).version)
    for reader in (open_again(), store):
        clock.sleep(60)
        assert reader.end_cursor(0) == end and reader.end_cursor(1) == BEGIN
        assert reader.pull(0, end).group is None
        assert reader.pull(1, BEGIN).group is None
    store = open_again()
    for rows in (1, 2, 4, 100):
        assert commit_of(pulled(store, 0, max_rows=rows)) == expected(range(1, 11))
    with pytest.raises(NotFound) as error:
        store.pull(0, old)
    assert error.value.code == "CursorExpired"
    place, seen = BEGIN, 0
    while (answer := store.pull(0, place, max_rows=1)).group is not None:
        assert Cursor.of_text(answer.cursor.text) == answer.cursor > place
        assert store.reach(0, place, 1) == answer.cursor
        assert answer.group.receive_times is not None
        assert store.time_of(0, place) == answer.group.receive_times.to_pylist()[0]
        place, seen = answer.cursor, seen + 1
        assert len(pulled(store, 0, place)) == 30 - seen
        if seen == 10:
            store.compact(min_files=2)  # under the reader
            store.vacuum(older_than_hours=0)
    assert (seen, place) == (30, end)
    for n in range(1, 11):
        cursor = store.cursor_of(0, n * SECOND)
        assert commit_of(pulled(store, 0, cursor)) == expected(range(n, 11))
        assert store.time_of(0, cursor) == n * SECOND
        assert store.lag_us(0, cursor) == (10 - n) * SECOND + 1
    until = store.cursor_of(0, 4 * SECOND)
    first = store.pull(0, BEGIN, until=until)
    assert first.group is not None and first.cursor == until
    assert commit_of([log["n"] for log in first.group.to_logs()]) == expected(range(1, 4))


def test_a_quiet_shard_outlives_the_log(open_again: Callable[[], DeltaLogstore], clock: FixedClock) -> None:
    store = open_again()
    fill(store, clock, range(1, 3))
    caught_up = store.end_cursor(0)
    fill(store, clock, range(3, 30), shard=1)
    clean(store, store.version() - 2)
    clock.sleep(60)
    for reader in (store, open_again()):
        assert reader.pull(0, caught_up).group is None
        assert reader.time_of(0, caught_up) == 29 * SECOND + 1
    fill(store, clock, range(30, 32))
    clock.sleep(60)
    for reader in (store, open_again()):
        assert commit_of(pulled(reader, 0, caught_up)) == expected(range(30, 32))
    low, _ = store.split_shard(0)
    clean(store, store.version())
    retired = open_again()
    assert retired.pull(0, retired.end_cursor(0)).ended
    assert commit_of(pulled(retired, 0)) == [*expected(range(1, 3)), *expected(range(30, 32))]
    fill(retired, clock, range(40, 41), shard=low)
    assert commit_of(pulled(open_again(), low)) == expected(range(40, 41))


def test_files_that_an_earlier_version_compacted(
    open_again: Callable[[], DeltaLogstore], clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_again()
    fill(store, clock, range(1, 5))
    with monkeypatch.context() as earlier:
        earlier.setattr(rewriting_module, "frames_of_file", lambda storage, file: (
            frame.drop(FILE, strict=False) for frame in row_groups(storage, file, inner=True)
        ))  # fmt: skip
        store.compact(min_files=2)
        store.vacuum(older_than_hours=0)
    places = [BEGIN]
    while (answer := store.pull(0, places[-1], max_rows=1)).group is not None:
        places.append(answer.cursor)
    logs = pulled(store, 0)
    assert commit_of(logs) == expected(range(1, 5))
    fill(store, clock, range(5, 7))
    store.compact(min_files=2)
    store.vacuum(older_than_hours=0)
    for number, place in enumerate(places):
        assert pulled(store, 0, place) == [*logs[number:], *pulled(store, 0, places[-1])]
    assert commit_of(pulled(store, 0)) == expected(range(1, 7))
    clean(store, store.end_cursor(0).version)
    assert commit_of(pulled(open_again(), 0)) == expected(range(1, 7))


def test_commits_of_others_do_not_tell_ends(open_again: Callable[[], DeltaLogstore], clock: FixedClock) -> None:
    from deltalake import DeltaTable

    store = open_again()
    fill(store, clock, range(1, 4))
    table = DeltaTable(store.descriptor.location)
    table.alter.set_table_properties({"delta.checkpointInterval": "77"})
    table.alter.set_table_properties({"delta.checkpointInterval": "78"})
    assert open_again().extents().shards == store.extents().shards
    fill(store, clock, range(4, 6))
    assert commit_of(pulled(open_again(), 0)) == commit_of(pulled(store, 0)) == expected(range(1, 6))


def test_a_table_without_shards_has_those_of_its_descriptor(open_again: Callable[[], DeltaLogstore]) -> None:
    from deltalake import DeltaTable

    from transforms.connectors.delta.shard_layout import LAYOUT

    store = open_again()
    log = Path(store.descriptor.location) / "_delta_log" / f"{0:020d}.json"
    log.write_text(log.read_text().replace(LAYOUT, "something.else"))
    assert LAYOUT not in str([column.metadata for column in DeltaTable(store.descriptor.location).schema().fields])
    store = open_again()
    store.append([numbered([1])])
    assert [record.shard.id for record in store.shard_map().records] == [0, 1]
    assert store.split_shard(1) == (2, 3)
    assert [shard.id for shard in open_again().shard_map().writable] == [0, 2, 3]
