"""The Delta adapter's own ground: the table's log, conflicts between writers, upkeep."""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, drop_delta_logstore, open_delta_logstore
from transforms.connectors.delta import data_files as data_files_module
from transforms.connectors.delta.commit import ATTEMPTS
from transforms.connectors.delta.storage import LocalStorage
from transforms.core.clock import FixedClock
from transforms.core.durable import Moment, observe
from transforms.core.errors import CommitConflict, NotFound, ParameterInvalid, StoreUnavailable
from transforms.core.field_columns import column_of
from transforms.core.log_group import LogGroup
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards


@pytest.fixture
def descriptor(tmp_path: Path) -> LogstoreDescriptor:
    found = LogstoreDescriptor("demo", "web", str(tmp_path / "web"), even_shards(1))
    create_delta_logstore(found)
    return found


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., None]]:
    """Let another writer act right before commits; ``times`` limits how often."""

    def install(action: Callable[[], object], operation: str = "logstore.commit", times: int = 1) -> None:
        left, busy = times, False

        def observer(seen: str, moment: Moment) -> None:
            nonlocal left, busy
            if seen == operation and moment == "before" and left and not busy:
                left, busy = left - 1, True
                action()
                busy = False

        observe(observer)

    yield install
    observe(None)


def group(*numbers: int, **fields: str) -> LogGroup:
    return LogGroup.from_logs([{"n": str(n), **fields} for n in numbers], [abs(n) for n in numbers])


def numbers(store: DeltaLogstore) -> list[int]:
    return sorted(int(log["n"]) for one in store.read() for log in one.to_logs())


def test_the_table_is_plain_delta_with_real_field_names(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    store.append([LogGroup.from_logs([{"User Id": "1", "status": "200"}], [5])])
    table = DeltaTable(descriptor.location)
    assert table.metadata().partition_columns == ["~shard", "~receive_time", "~typed"]
    assert table.metadata().configuration["delta.logRetentionDuration"] == "interval 30 days"
    names = {field.name: field.metadata.get("field") for field in table.schema().fields}
    assert names[column_of("User Id")] == "User Id" and names["status"] == "status"
    assert table.to_pyarrow_table(columns=["__time__", "status"]).to_pylist() == [{"__time__": 5, "status": "200"}]


def test_upkeep_compacts_and_writes_checkpoints_by_itself(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    for n in range(100):
        store.append([group(n)])
    log = Path(descriptor.location) / "_delta_log"
    checkpoints = sorted(int(path.name[:20]) for path in log.glob("*.checkpoint.parquet"))
    assert len(checkpoints) >= 3 and all(later - earlier <= 40 for earlier, later in zip([0, *checkpoints], checkpoints, strict=False))
    assert store.snapshot().files_total < 50
    assert numbers(store) == list(range(100))
    assert len(list(store.tail(-1))) == 100


def test_upkeep_drops_old_logs_and_what_killed_writers_left(descriptor: LogstoreDescriptor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.delta.logstore.TIDY_EVERY", 8)
    now = int(time.time())
    store = open_delta_logstore(dataclasses.replace(descriptor, retention_days=2))
    store.append([LogGroup.from_logs([{"n": "0"}], [now - 5 * 86_400])])
    (orphan,) = store.write_files([LogGroup.from_logs([{"n": "-1"}], [now])])
    (young,) = store.write_files([LogGroup.from_logs([{"n": "-2"}], [now])])
    long_ago = now - 30 * 86_400
    os.utime(orphan.path, (long_ago, long_ago))
    for n in range(1, 10):
        store.append([LogGroup.from_logs([{"n": str(n)}], [now])])
    assert numbers(store) == list(range(1, 10))
    assert not Path(orphan.path).exists() and Path(young.path).exists()


def test_a_side_job_that_fails_is_logged_and_the_append_stands(descriptor: LogstoreDescriptor, caplog: pytest.LogCaptureFixture) -> None:
    store = open_delta_logstore(descriptor)
    for n in range(30):
        store.append([group(n)])
    version = store.version()
    for ahead in range(version, 40):  # nothing can be written where a folder is
        (Path(descriptor.location) / "_delta_log" / f"{ahead:020d}.checkpoint.parquet").mkdir()
    with caplog.at_level(logging.WARNING):
        for n in range(30, 34):
            assert store.append([group(n)]).applied
    assert "upkeep of Logstore 'web' failed" in caplog.text
    assert len(list(store.tail(-1))) == 34


def test_a_tail_whose_log_was_cleaned_is_told(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    done = [store.append([group(n)]) for n in range(40)]
    for path in (Path(descriptor.location) / "_delta_log").glob("*.json"):
        if int(path.stem) < 20:
            path.unlink()  # what the log's retention does, once a checkpoint holds its state
    assert numbers(store) == list(range(40))
    for after in (-1, 0, 18):
        with pytest.raises(NotFound) as error:
            list(store.tail(after))
        assert error.value.code == "CursorExpired"
    after = next(one.version for one in done if one.version >= 19)
    assert [batch.version for batch in store.tail(after)] == [one.version for one in done if one.version > after]


def test_a_writer_that_always_loses_gives_up(descriptor: LogstoreDescriptor, meanwhile: Callable[..., None]) -> None:
    clock = FixedClock(1_000_000)
    store, rival = DeltaLogstore(descriptor, clock=clock), open_delta_logstore(descriptor)
    files = store.write_files([group(1)])
    steps = iter(range(10_000))
    meanwhile(lambda: rival.commit((), app=AppTransaction("rival", next(steps))), times=10_000)
    with pytest.raises(CommitConflict, match=f"lost {ATTEMPTS} times"):
        store.commit(files)
    observe(None)
    assert numbers(store) == []
    assert 1_000_000 < clock.now_us() < 30_000_000  # it waited between tries, and not for long
    store.commit(files)
    assert numbers(store) == [1]


def test_a_commit_that_lost_looks_again(descriptor: LogstoreDescriptor, meanwhile: Callable[..., None]) -> None:
    store, twin = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    app = AppTransaction("lane", 1)
    meanwhile(lambda: twin.append([group(1)], app=app))
    done = store.append([group(1)], app=app)
    assert not done.applied and done.previous_app_version == 1
    assert numbers(store) == [1]
    meanwhile(lambda: twin.append([group(2)]))
    mine = store.append([group(3)])
    assert numbers(store) == [1, 2, 3]
    assert [batch.receive_time for batch in store.tail(done.version)][-1] == mine.receive_time


def test_new_fields_of_two_writers_at_once(descriptor: LogstoreDescriptor, meanwhile: Callable[..., None]) -> None:
    store, rival = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    meanwhile(lambda: rival.append([group(1, theirs="x", both="y")]), operation="logstore.add-columns")
    store.append([group(2, mine="z", both="y")])
    assert set(store.snapshot().fields) == {"n", "mine", "theirs", "both"}
    with ThreadPoolExecutor(4) as pool:
        stores = [open_delta_logstore(descriptor) for _ in range(4)]
        list(pool.map(lambda at: [stores[at].append([group(10 * at + i, **{f"f{at}{i}": "v"})]) for i in range(5)], range(4)))
    assert len(store.snapshot().fields) == 24
    assert numbers(store) == sorted([1, 2, *(10 * at + i for at in range(4) for i in range(5))])


def test_compaction_starts_again_when_an_input_is_replaced(descriptor: LogstoreDescriptor, meanwhile: Callable[..., None]) -> None:
    store, rival = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    for n in range(5):
        store.append([group(n)])
    victim = store.snapshot().files[2]
    meanwhile(lambda: rival.commit(rival.write_files([group(200)]), remove=[victim]))
    store.compact(min_files=2)
    assert numbers(store) == [0, 1, 3, 4, 200]
    assert store.snapshot().files_total == 1


def test_compaction_lets_an_append_pass(descriptor: LogstoreDescriptor, meanwhile: Callable[..., None]) -> None:
    store, rival = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    for n in range(5):
        store.append([group(n)])
    meanwhile(lambda: rival.append([group(9)]))
    assert store.compact(min_files=2).files_removed == 5
    assert numbers(store) == [0, 1, 2, 3, 4, 9]
    assert [batch.receive_time for batch in store.tail(-1)] == sorted(batch.receive_time for batch in store.tail(-1))


def test_a_replacement_that_meets_a_compaction_is_refused_whole(descriptor: LogstoreDescriptor, meanwhile: Callable[..., None]) -> None:
    store, rival = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    for n in range(3):
        store.append([group(n)])
    old = store.snapshot().files[0]
    fresh = store.write_files([group(100)])
    meanwhile(lambda: rival.compact(min_files=2))
    with pytest.raises(Exception, match="any more"):
        store.commit(fresh, remove=[old])
    assert numbers(store) == [0, 1, 2]


def test_full_files_are_left_alone(descriptor: LogstoreDescriptor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files_module, "MAX_FILE_ROWS", 10)
    store = open_delta_logstore(descriptor)
    store.append([group(*range(at, at + 4)) for at in range(0, 36, 4)])
    assert [(file.rows, file.path.endswith(".full.parquet")) for file in store.snapshot().files] == [(9, True)] * 3 + [(9, False)]
    store.append([group(*range(36, 40))])
    assert store.compact(min_files=2).files_removed == 2
    before = store.snapshot()
    assert store.compact(min_files=2).files_removed == 0
    assert store.snapshot() == before and numbers(store) == list(range(40))
    store.append([group(*range(40, 75))])  # one group larger than a file
    assert [file.rows for file in store.snapshot().files][-4:] == [9, 9, 9, 8]
    assert numbers(store) == list(range(75))


class _LateAnswers(LocalStorage):
    """A store that takes a commit and then fails to say so."""

    def settle(self, relative: str) -> None:
        raise OSError("connection reset")


def test_a_commit_that_got_in_counts_though_the_answer_was_lost(descriptor: LogstoreDescriptor) -> None:
    open_delta_logstore(descriptor).append([group(1)])
    store = DeltaLogstore(descriptor, storage=_LateAnswers(Path(descriptor.location)))
    assert store.append([group(2)]).applied
    assert numbers(store) == [1, 2]


def test_a_table_made_again_under_a_writer_gets_its_columns(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    store.append([group(1, extra="x")])
    drop_delta_logstore(descriptor)
    with pytest.raises(NotFound):
        store.append([group(2, extra="x")])
    create_delta_logstore(descriptor)
    store.append([group(3, extra="x")])
    assert set(store.snapshot().fields) == {"n", "extra"} and numbers(store) == [3]


def test_creators_at_once_make_one_table(tmp_path: Path) -> None:
    descriptor = LogstoreDescriptor("demo", "new", str(tmp_path / "new"), even_shards(1))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: create_delta_logstore(descriptor), range(8)))
    assert open_delta_logstore(descriptor).version() == 0


def test_a_damaged_log_and_a_lost_file_are_told(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    done = store.append([group(1)])
    Path(store.snapshot().files[0].path).unlink()
    with pytest.raises(StoreUnavailable, match="is gone"):
        list(store.read())
    entry = Path(descriptor.location) / "_delta_log" / f"{done.version:020d}.json"
    entry.write_text("{broken")
    with pytest.raises(StoreUnavailable, match="'web'"):
        store.snapshot()


def test_the_table_keeps_its_own_app_id(descriptor: LogstoreDescriptor) -> None:
    with pytest.raises(ParameterInvalid, match="receive-time"):
        open_delta_logstore(descriptor).append([group(1)], app=AppTransaction("receive-time", 1))


def test_compaction_brings_typed_columns_up_to_the_index(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    store.set_index(Index(None, {"n": FieldIndex("double")}))
    store.append([group(1, d="2.5")])
    store.set_index(Index(None, {"n": FieldIndex("long"), "d": FieldIndex("double")}))
    store.append([group(2)])
    store.compact(min_files=2)
    (file,) = store.snapshot().files
    assert file.typed == (("d", "double"), ("n", "long"))
    assert pq.read_table(file.path, columns=["n~~long", "d~~double"]).to_pylist() == [
        {"n~~long": 1, "d~~double": 2.5},
        {"n~~long": 2, "d~~double": None},
    ]
