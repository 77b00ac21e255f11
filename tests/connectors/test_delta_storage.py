"""Where a Delta Logstore may lie, and that every layer means the same file by the same name."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from transforms.connectors.delta import DeltaLogstore, create_delta_logstore, drop_delta_logstore, open_delta_logstore
from transforms.connectors.delta.object_storage import ObjectStorage
from transforms.connectors.delta.storage import LocalStorage, storage_of
from transforms.connectors.delta.table import create_table
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.stores.shard_map import ShardMap


def describe(location: str, **options: str) -> LogstoreDescriptor:
    return LogstoreDescriptor("demo", "web", location, even_shards(1), storage_options=options)


def numbers(store: DeltaLogstore) -> list[str]:
    return [log["n"] for one in store.read() for log in one.to_logs()]


def append(store: DeltaLogstore, *values: int) -> None:
    store.append([LogGroup.from_logs([{"n": str(value)} for value in values], list(values))])


@pytest.mark.parametrize("name", ["a b", "100%", "%", "a%zz", "a#b?c=d&e", "日本 ä", "a[b]*{c}", 'it\'s "quoted"', "~x", "a+b;c,d"])
def test_a_folder_of_any_usual_name(tmp_path: Path, name: str) -> None:
    location = tmp_path / name / "store"
    create_delta_logstore(describe(str(location)))
    store = open_delta_logstore(describe(str(location)))
    append(store, 1)
    append(store, 2)
    paths = [file.path for file in store.snapshot().files]
    assert all(path.startswith(f"{location}/data/0/") and pq.read_metadata(path).num_rows == 1 for path in paths)
    store.compact(min_files=2)
    assert store.vacuum(older_than_hours=0).files_removed == 2
    assert numbers(store) == ["1", "2"]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    drop_delta_logstore(describe(str(location)))
    assert not location.exists()


@pytest.mark.parametrize("name", ["a%20b", "50%25", "a\\b"])
def test_a_folder_that_the_table_library_misreads_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterInvalid, match="cannot hold a Logstore"):
        create_delta_logstore(describe(str(tmp_path / name)))
    assert list(tmp_path.iterdir()) == []


def test_a_file_url_and_a_relative_path_are_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = tmp_path / "my logs"
    create_delta_logstore(describe(location.as_uri()))
    append(open_delta_logstore(describe(str(location))), 1)
    monkeypatch.chdir(tmp_path)
    (file,) = open_delta_logstore(describe("my logs")).snapshot().files
    assert file.path.startswith(f"{location}/data/")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert numbers(open_delta_logstore(describe("~/my logs"))) == ["1"]


def test_no_table_is_no_logstore(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for location in (tmp_path, tmp_path / "absent"):
        with pytest.raises(NotFound) as error:
            open_delta_logstore(describe(str(location)))
        assert error.value.code == "LogStoreNotExist"
        with pytest.raises(NotFound):
            drop_delta_logstore(describe(str(location)))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_object_store_does_all_a_folder_does(tmp_path: Path) -> None:
    """The object store's own way of reading and writing, on the one object store that needs no server: ``file://``."""
    storage = ObjectStorage((tmp_path / "bucket").as_uri(), {})
    (tmp_path / "bucket").mkdir()
    create_table(storage, "web", ShardMap.of(even_shards(1)))
    store = DeltaLogstore(describe("s3://bucket/never/opened"), storage=storage)
    store.set_index(Index(None, {"n": FieldIndex("long")}))
    append(store, 1, 2)
    append(store, 3)
    found = store.snapshot()
    assert all(file.path.startswith(f"file://{tmp_path}/bucket/data/0/") for file in found.files)
    assert [storage.size(storage.relative(file.path)) for file in found.files] == [file.size for file in found.files]
    assert numbers(store) == ["1", "2", "3"]
    assert store.compact(min_files=2).files_removed == 2
    assert store.reindex(None).files_removed == 1
    assert [sum(one.num_rows for one in batch.groups) for batch in store.tail(-1)] == [2, 1]
    assert numbers(store) == ["1", "2", "3"]
    assert store.vacuum(older_than_hours=0).files_removed == 3
    assert storage.size("data/0/none.parquet") is None
    with pytest.raises(FileNotFoundError):
        storage.read_bytes("_delta_log/none.json")
    with pytest.raises(ParameterInvalid, match="not inside"):
        storage.relative("file:///elsewhere/x.parquet")
    storage.delete_all()
    assert [path for path in (tmp_path / "bucket").rglob("*") if path.is_file()] == []


def test_references_are_resolved_where_the_store_is_opened_and_kept_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGS_KEY", "hunter2")
    (tmp_path / "region").write_text("eu-1\n")
    descriptor = describe("s3://logs/web", secret="env:LOGS_KEY", region=f"file:{tmp_path / 'region'}", endpoint="http://here")
    storage = storage_of(descriptor)
    assert isinstance(storage, ObjectStorage)
    known = {"secret": "hunter2", "region": "eu-1", "endpoint": "http://here"}
    assert storage.options == known | {"aws_conditional_put": "etag", "aws_allow_http": "true"}
    assert storage.path_of("data/0/x.parquet") == "s3://logs/web/data/0/x.parquet"
    assert b"hunter2" not in pickle.dumps(descriptor) and "hunter2" not in repr(descriptor) + repr(storage)
    monkeypatch.delenv("LOGS_KEY")
    with pytest.raises(ParameterInvalid, match="LOGS_KEY"):
        storage_of(descriptor)


def test_local_storage_knows_its_own(tmp_path: Path) -> None:
    storage: Any = LocalStorage(tmp_path)
    assert storage.relative(storage.path_of("data/0/a.parquet")) == "data/0/a.parquet"
    with pytest.raises(ParameterInvalid, match="not inside"):
        storage.relative(f"{tmp_path}-other/data/0/a.parquet")
    with storage.writing("data/3/a.parquet") as path:
        path.write_bytes(b"12345")
    assert (storage.size("data/3/a.parquet"), storage.read_bytes("data/3/a.parquet")) == (5, b"12345")
