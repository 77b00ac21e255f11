"""A table that is kept open: it is the newest there is at each look, whoever has done what to it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, drop_delta_logstore, open_delta_logstore
from transforms.connectors.delta import kept_table as kept_table_module
from transforms.connectors.delta import table as table_module
from transforms.connectors.delta.kept_table import KEPT_S, KeptTable
from transforms.connectors.delta.log_files import GRACE_S, shorten
from transforms.connectors.delta.object_storage import ObjectStorage
from transforms.connectors.delta.storage import storage_of
from transforms.core.errors import NotFound
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards


@pytest.fixture
def descriptor(tmp_path: Path) -> LogstoreDescriptor:
    found = LogstoreDescriptor("demo", "web", str(tmp_path / "web"), even_shards(1))
    create_delta_logstore(found)
    return found


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each opening of a table from scratch."""
    seen: list[str] = []
    real = table_module.open_table

    def counted(storage: object, name: str) -> object:
        seen.append(name)
        return real(storage, name)  # type: ignore[arg-type]

    monkeypatch.setattr(kept_table_module, "open_table", counted)
    return seen


def append(store: DeltaLogstore, *numbers: int, **more: str) -> None:
    for n in numbers:
        store.append([LogGroup.from_logs([{"n": str(n), **more}], [n])])


def numbers(store: DeltaLogstore) -> list[int]:
    return sorted(int(log["n"]) for one in store.read() for log in one.to_logs())


def test_a_writer_alone_opens_its_table_once_in_many_commits(descriptor: LogstoreDescriptor, opened: list[str]) -> None:
    store = open_delta_logstore(descriptor)
    append(store, *range(12))
    assert len(opened) <= 3  # new columns are added to one that nobody keeps
    assert numbers(store) == list(range(12))
    assert store.snapshot().version == open_delta_logstore(descriptor).version()


def test_what_others_commit_is_seen_at_the_next_look(descriptor: LogstoreDescriptor, opened: list[str]) -> None:
    store, other = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    for n in range(100):  # over checkpoints and compactions
        append((store, other)[n % 2], n)
        assert numbers(store) == list(range(n + 1))
        assert store.version() == other.version()
    other.commit((), app=AppTransaction("lane", 7))
    assert store.app_version("lane") == 7
    assert not store.commit((), app=AppTransaction("lane", 7)).applied
    other.split_shard(0)
    assert [one.id for one in store.shard_map().writable] == [1, 2]
    append(other, 100, new="field")
    append(store, 101, new="too")
    assert {"n", "new"} <= set(store.snapshot().fields)
    assert numbers(store) == list(range(102))
    assert len(opened) < 60


def test_a_table_that_was_made_anew_is_another(descriptor: LogstoreDescriptor) -> None:
    store = open_delta_logstore(descriptor)
    append(store, 1, 2, 3, only="before")
    drop_delta_logstore(descriptor)
    with pytest.raises(NotFound):
        store.version()
    create_delta_logstore(descriptor)
    other = open_delta_logstore(descriptor)
    append(other, *range(10, 20))  # as many versions and more
    assert numbers(store) == list(range(10, 20))
    append(store, 20)
    assert numbers(other) == list(range(10, 21))
    assert "only" not in other.snapshot().fields


def test_one_whose_past_was_archived_goes_on(descriptor: LogstoreDescriptor, monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes longer than a table is kept for."""
    assert KEPT_S < GRACE_S
    store, other = open_delta_logstore(descriptor), open_delta_logstore(descriptor)
    append(store, *range(20))
    store.commit((), app=AppTransaction("lane", 3))
    for first in range(20, 120, 25):
        append(other, *range(first, first + 25))
        monkeypatch.setattr(kept_table_module, "KEPT_S", -1.0)
        shorten(storage_of(descriptor), time.time() + GRACE_S + 60)
        assert store.app_version("lane") == 3
        assert numbers(store) == list(range(first + 25))
        monkeypatch.undo()


def test_threads_have_their_own(descriptor: LogstoreDescriptor) -> None:
    kept = KeptTable(storage_of(descriptor), "web")
    mine = kept.open()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(kept.open).result() is not mine
    assert kept.open() is mine
    assert kept.take() is mine
    assert kept.open() is not mine


def test_an_object_store_keeps_none(tmp_path: Path, descriptor: LogstoreDescriptor) -> None:
    kept = KeptTable(ObjectStorage(Path(descriptor.location).as_uri(), {}), "web")
    assert kept.open() is not kept.open()
