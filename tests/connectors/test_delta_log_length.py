"""The log of a table that is written to for ever: it stays short, what slow readers need is found, and who sleeps does no harm."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import CommitProperties, DeltaTable

from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, open_delta_logstore
from transforms.connectors.delta.log_archive import LogArchive
from transforms.connectors.delta.log_files import ENTRIES_KEPT_S, GRACE_S, entry_path, read_entry, shorten, wants_checkpoint
from transforms.connectors.delta.object_storage import ObjectStorage
from transforms.connectors.delta.storage import LocalStorage, storage_of
from transforms.connectors.delta.table import create_table
from transforms.core.clock import SystemClock
from transforms.core.durable import Moment, observe
from transforms.core.errors import NotFound
from transforms.core.log_group import LogGroup
from transforms.stores.cursor import BEGIN
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.stores.shard_map import ShardMap


class LaterClock(SystemClock):
    """Some seconds ahead: what was just written has been there for so long. With it nothing may be kept, see `nothing_kept`."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead_us = int(ahead_s * 1_000_000)

    def now_us(self) -> int:
        return super().now_us() + self._ahead_us


LATER = GRACE_S + 60


@pytest.fixture
def descriptor(tmp_path: Path) -> LogstoreDescriptor:
    found = LogstoreDescriptor("demo", "web", str(tmp_path / "web"), even_shards(1))
    create_delta_logstore(found)
    return found


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.delta.kept_table.KEPT_S", -1.0)


@pytest.fixture(autouse=True)
def _nobody_listens() -> Iterator[None]:
    yield
    observe(None)


def append(store: DeltaLogstore, *numbers: int) -> None:
    for n in numbers:
        store.append([LogGroup.from_logs([{"n": str(n)}], [n])])


def numbers(store: DeltaLogstore) -> list[int]:
    return sorted(int(log["n"]) for one in store.read() for log in one.to_logs())


def pulled(store: DeltaLogstore, place: object = BEGIN) -> list[int]:
    found: list[int] = []
    while (got := store.pull(0, place)).group is not None:  # type: ignore[arg-type]
        found += [int(log["n"]) for log in got.group.to_logs()]
        place = got.cursor
    return found


def in_log(descriptor: LogstoreDescriptor, pattern: str) -> list[int]:
    return sorted(int(path.name[:20]) for path in (Path(descriptor.location) / "_delta_log").glob(pattern))


def much_later(descriptor: LogstoreDescriptor) -> None:
    """What upkeep does when all that is there has been for a while."""
    shorten(storage_of(descriptor), time.time() + LATER)


@pytest.mark.usefixtures("nothing_kept")
def test_the_log_stays_short_and_slow_readers_find_all(descriptor: LogstoreDescriptor) -> None:
    store, slow = DeltaLogstore(descriptor, clock=LaterClock(LATER)), open_delta_logstore(descriptor)
    place = slow.pull(0, BEGIN).cursor
    append(store, *range(150))
    version = store.version()
    assert len(in_log(descriptor, "*.json")) <= 32 and len(in_log(descriptor, "*.checkpoint.parquet")) == 1
    assert in_log(descriptor, "*.json")[-1] == version
    fresh = open_delta_logstore(descriptor)
    assert numbers(fresh) == list(range(150))
    assert len(list(fresh.tail(-1))) == 150
    assert pulled(fresh) == pulled(slow, place) == list(range(150))
    storage = storage_of(descriptor)
    assert all(read_entry(storage, number) for number in range(version + 1))
    with pytest.raises(FileNotFoundError):
        read_entry(storage, version + 1)
    assert DeltaTable(descriptor.location).version() == version


def test_what_was_just_written_stays(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    append(store, *range(50))
    assert in_log(descriptor, "*.json") == list(range(store.version() + 1))
    assert len(in_log(descriptor, "*.checkpoint.parquet")) >= 3


def test_who_opened_the_table_before_goes_on(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    append(store, *range(20))
    before = DeltaTable(descriptor.location)
    append(store, *range(20, 60))
    much_later(descriptor)
    before.update_incremental()
    assert before.version() == store.version()
    create_delta_logstore(descriptor)  # the table is there
    assert 0 not in in_log(descriptor, "*.json")
    assert numbers(open_delta_logstore(descriptor)) == list(range(60))


@pytest.mark.parametrize("notices", [True, False])
def test_a_writer_that_slept_while_its_version_was_archived_commits_again(
    descriptor: LogstoreDescriptor, notices: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is free in the log: what it writes there must neither count as done nor be read by anybody.

    ``notices``: the table library finds that it comes too late. It looks some time before it writes.
    """
    sleeper, other = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    append(sleeper, 0)
    slept: list[int] = []

    def sleep(operation: str, moment: Moment) -> None:
        if operation == "logstore.commit" and moment == "before" and not slept:
            slept.append(other.version() + 1)
            append(other, *range(1, 60))
            much_later(descriptor)
            if not notices:
                monkeypatch.setattr(DeltaTable, "create_write_transaction", written_blindly)

    def written_blindly(table: DeltaTable, *_: Any, commit_properties: CommitProperties, **__: Any) -> None:
        monkeypatch.undo()
        entry = Path(descriptor.location) / entry_path(table.version() + 1)
        with entry.open("x") as opened:
            opened.write(json.dumps({"commitInfo": commit_properties.custom_metadata}))

    files = sleeper.write_files([LogGroup.from_logs([{"n": "60"}], [60])])
    observe(sleep)
    done = sleeper.commit(files, app=AppTransaction("lane", 1))
    observe(None)
    assert slept[0] < min(version for version in in_log(descriptor, "*.json") if version not in slept)
    assert (slept[0] in in_log(descriptor, "*.json")) != notices
    assert done.applied and done.version > 59
    for store in (sleeper, open_delta_logstore(descriptor)):
        assert numbers(store) == pulled(store) == list(range(61))
        assert store.app_version("lane") == 1
    much_later(descriptor)  # what it left is put away
    assert slept[0] not in in_log(descriptor, "*.json")
    assert numbers(open_delta_logstore(descriptor)) == list(range(61))
    assert len(list(other.tail(-1))) == 61


def test_a_change_of_shards_that_slept_is_made_again(descriptor: LogstoreDescriptor) -> None:
    sleeper, other = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    append(sleeper, 0)
    slept: list[str] = []

    def sleep(operation: str, moment: Moment) -> None:
        if operation == "logstore.split-shard" and moment == "before" and not slept:
            slept.append(operation)
            append(other, *range(1, 60))
            much_later(descriptor)

    observe(sleep)
    sleeper.split_shard(0)
    observe(None)
    assert slept
    assert [record.id for record in open_delta_logstore(descriptor).shard_map().writable] == [1, 2]
    assert numbers(open_delta_logstore(descriptor)) == list(range(60))


@pytest.mark.usefixtures("nothing_kept")
def test_archived_entries_are_packed_and_forgotten_after_thirty_days(
    descriptor: LogstoreDescriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.connectors.delta.log_archive._ENTRIES", 10)
    monkeypatch.setattr("transforms.connectors.delta.logstore.TIDY_EVERY", 16)
    store = DeltaLogstore(descriptor, clock=LaterClock(LATER))
    append(store, *range(70))
    archive = Path(descriptor.location) / "_log_archive"
    packed, loose = sorted(archive.glob("*.zip")), [path for path in archive.iterdir() if path.is_dir()]
    assert len(packed) >= 4 and len(loose) <= 1
    assert len(list(open_delta_logstore(descriptor).tail(-1))) == 70
    old = time.time() - ENTRIES_KEPT_S
    for path in packed[:2]:
        os.utime(path, (old, old))
    (archive / f"{99:016d}.gone").mkdir()  # somebody was killed on the way
    append(store, *range(70, 90))
    assert min(path.name for path in archive.iterdir()) == packed[2].name
    assert not list(archive.glob("*.gone"))
    fresh = open_delta_logstore(descriptor)
    with pytest.raises(NotFound) as error:
        list(fresh.tail(-1))
    assert error.value.code == "CursorExpired"
    assert len(list(fresh.tail(19))) >= 65
    assert numbers(fresh) == pulled(fresh) == list(range(90))


def test_a_full_folder_is_packed_once_by_whoever_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.delta.log_archive._ENTRIES", 4)
    log, archive = tmp_path / "_delta_log", LogArchive(tmp_path)
    log.mkdir()
    entries = {version: f"entry {version}".encode() for version in range(10)}
    for version, entry in entries.items():
        (log / f"{version:020d}.json").write_bytes(entry)
    moment = time.time() - 1_000
    os.utime(log / f"{3:020d}.json", (moment, moment + 500))
    archive.take(range(6))
    root = tmp_path / "_log_archive"
    assert sorted(path.name for path in root.iterdir()) == [f"{0:016d}.zip", f"{1:016d}"]
    assert [archive.read(version) for version in range(7)] == [*(entries[version] for version in range(6)), None]
    assert [archive.has(version) for version in (0, 3, 5, 6)] == [True, True, True, False]
    # Killed after it was packed, before the folder was gone; and one that slept writes an entry of it.
    (root / f"{0:016d}").mkdir()
    (root / f"{0:016d}" / f"{2:020d}.json").write_bytes(entries[2])
    (log / f"{1:020d}.json").write_text("written by one who slept")
    archive.take([1, 6, 7, 8])
    assert sorted(path.name for path in root.iterdir()) == [f"{0:016d}.zip", f"{1:016d}.zip", f"{2:016d}"]
    assert [archive.read(version) for version in range(10)] == [*(entries[version] for version in range(9)), None]
    assert [path.name for path in log.iterdir()] == [f"{9:020d}.json"]
    (root / f"{0:016d}.4711").write_text("of one who was killed while packing")
    archive.forget(moment - 501)
    assert archive.has(0) and (root / f"{0:016d}.4711").exists()
    os.utime(root / f"{0:016d}.4711", (moment - 600, moment - 600))
    archive.forget(moment - 501)
    assert archive.has(0) and not (root / f"{0:016d}.4711").exists()


@pytest.mark.parametrize("links", [True, False])
def test_entries_that_two_writers_move_at_once_are_there_once(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:

        def refused(*_: object) -> None:
            raise PermissionError("no second names here")

        monkeypatch.setattr(os, "link", refused)
    log = tmp_path / "_delta_log"
    log.mkdir()
    for version in range(4):
        (log / f"{version:020d}.json").write_text(str(version))
    archive = LogArchive(tmp_path)
    archive.take([0, 1, 7])
    (log / f"{1:020d}.json").write_text("written by one who slept")
    archive.take([1, 2])
    assert [archive.read(version) for version in range(4)] == [b"0", b"1", b"2", None]
    assert [path.name for path in log.iterdir()] == [f"{3:020d}.json"]
    assert archive.has(2) and not archive.has(3)
    assert len(list((tmp_path / "_log_archive").rglob("*.json*"))) == 3
    archive.forget(0.0)
    assert archive.has(0)
    LogArchive(tmp_path / "none").forget(0.0)


def test_checkpoints_of_large_tables_are_rarer(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    (tmp_path / "_delta_log").mkdir()
    assert wants_checkpoint(storage, 16)
    (tmp_path / "_delta_log" / "_last_checkpoint").write_text('{"version": 100, "size": 10000}')
    assert [version for version in (112, 119, 120, 128) if wants_checkpoint(storage, version)] == [120, 128]
    assert entry_path(7) == "_delta_log/00000000000000000007.json"


def test_in_an_object_store_entries_stay_and_old_checkpoints_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.delta.logstore.TIDY_EVERY", 48)
    (tmp_path / "bucket").mkdir()
    storage = ObjectStorage((tmp_path / "bucket").as_uri(), {})
    create_table(storage, "web", ShardMap.of(even_shards(1)))
    descriptor = LogstoreDescriptor("demo", "web", str(tmp_path / "bucket"), even_shards(1))
    store = DeltaLogstore(descriptor, clock=LaterClock(LATER), storage=storage)
    append(store, *range(56))
    assert in_log(descriptor, "*.json") == list(range(store.version() + 1))
    assert in_log(descriptor, "*.checkpoint.parquet") == [48]
    assert numbers(store) == list(range(56))
    with pytest.raises(FileNotFoundError):
        storage.modified("_delta_log/none")
    assert storage.names_in("nowhere") == []
