"""CSV files as ExternalStores: headers, types by position, several objects, packed files, and clear refusals."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.connectors.sql_stores import rows
from transforms.connectors import open_external_store
from transforms.core.errors import ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.stores.external_store import Condition, ExternalStoreDescriptor

COLUMNS = [
    {"name": "userid", "type": "bigint"},
    {"name": "nick", "type": "varchar"},
    {"name": "balance", "type": "double"},
    {"name": "since", "type": "date"},
]
TEXT = 'id,name,money,day\n1,"Ann ""A"", 1",0.5,2024-01-02\nx,,,\n 3 ,"two\nlines",1e3,never\n'
ROWS = [(1, 'Ann "A", 1', 0.5, dt.date(2024, 1, 2)), (None, "", None, None), (3, "two\nlines", 1000.0, None)]
NAMES = ["userid", "nick", "balance", "since"]


def _csv(path: Path, columns: Any = COLUMNS) -> Any:
    parameter = {"path": str(path)} | ({"columns": json.dumps(columns)} if columns else {})
    return open_external_store(ExternalStoreDescriptor("users", "csv", parameter))


def _oss(endpoint: str, *objects: str, bucket: str = "", columns: Any = COLUMNS) -> Any:
    parameter = {"endpoint": endpoint, "bucket": bucket, "objects": json.dumps(objects), "columns": json.dumps(columns)}
    return open_external_store(ExternalStoreDescriptor("users", "oss", parameter))


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users.csv"
    path.write_text(TEXT)
    return path


def test_the_header_is_no_data_and_columns_map_by_position(users: Path) -> None:
    store = _csv(users)
    assert [(column.name, column.sql_type) for column in store.columns()] == [
        ("userid", "bigint"), ("nick", "varchar"), ("balance", "double"), ("since", "date"),
    ]  # fmt: skip
    assert rows(store.read(NAMES)) == ROWS
    assert rows(store.read(["balance", "userid"], [Condition("userid", "=", (1,))])) == [(row[2], row[0]) for row in ROWS]
    assert sum(batch.num_rows for batch in store.read([])) == 3
    assert store.size().bytes == len(TEXT)
    assert rows(pickle.loads(pickle.dumps(store)).read(NAMES)) == ROWS


def test_without_declared_columns_the_header_names_texts(users: Path) -> None:
    store = _csv(users, None)
    assert [(column.name, column.sql_type) for column in store.columns()] == [(name, "varchar") for name in ("id", "name", "money", "day")]
    assert rows(store.read(["id"])) == [("1",), ("x",), (" 3 ",)]


def test_packed_and_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "users.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + TEXT.encode()))
    assert rows(_csv(path).read(NAMES)) == ROWS
    assert _csv(path, None).columns()[0].name == "id"


def test_several_objects_are_one_table(tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    (bucket / "a.csv").write_text("h,h2,h3,h4\n1,a,1,2024-01-01\n")
    (bucket / "b.csv").write_text("only\n2\n")
    (bucket / "c.csv").write_text("")
    store = _oss(f"file://{tmp_path}", "a.csv", "b.csv", "c.csv", bucket="bucket")
    assert rows(store.read(["userid", "nick"])) == [(1, "a"), (2, None)]
    assert len([warning for warning in store.check().warnings if "b.csv has 1 columns" in warning]) == 1


def test_many_rows_stream(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("id,name,money,day\n" + "".join(f"{i},n{i},{i}.5,2024-01-01\n" for i in range(400_000)))
    batches = list(_csv(path).read(["userid", "since"]))
    assert len(batches) > 1
    assert [row[0] for row in rows(batches)] == list(range(400_000))


@pytest.mark.parametrize("content", ["", "id,name,money,day\n", "id,name,money,day"])
def test_empty_files_have_no_rows(tmp_path: Path, content: str) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(content)
    assert rows(_csv(path).read(NAMES)) == []


@pytest.mark.parametrize(
    ("columns", "message", "hint"),
    [
        ([{"name": "a", "type": "bigynt"}], "unknown type 'bigynt'", "did you mean 'bigint'?"),
        ([{"name": "gender", "type": "varchar"}, {"name": "Gender", "type": "varchar"}], "two columns 'gender'", "rename"),
    ],
)
def test_wrong_columns(users: Path, columns: Any, message: str, hint: str) -> None:
    with pytest.raises(ParameterInvalid, match=message) as caught:
        _csv(users, columns).columns()
    assert hint in (caught.value.hint or "")


def test_refusals(tmp_path: Path, users: Path) -> None:
    store = _csv(users)
    with pytest.raises(ParameterInvalid, match="no column 'nik'") as caught:
        store.read(["nik"])
    assert caught.value.hint == "did you mean 'nick'?"
    with pytest.raises(StoreRejected, match="'users' is made of CSV files and cannot be written"):
        store.write([pa.record_batch({"a": pa.array([1])})])
    with pytest.raises(StoreUnavailable, match="there is no file"):
        list(_csv(tmp_path / "none.csv").read(NAMES))
    with pytest.raises(StoreUnavailable, match="there is no file"):
        list(_oss(str(tmp_path), "none.csv").read(NAMES))
    with pytest.raises(StoreUnavailable, match="neither a folder nor an address"):
        list(_oss("oss-cn-hangzhou.example.com", "a.csv").read(NAMES))
    with pytest.raises(ParameterInvalid, match="lies outside of the bucket"):
        list(_oss(str(tmp_path), "../secret.csv").read(NAMES))
    with pytest.raises(ParameterInvalid, match="has no bucket"):
        list(_oss("http://127.0.0.1:1", "a.csv").read(NAMES))
    users.write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(StoreRejected, match="Expected 2 columns, got 3"):
        list(store.read(NAMES))
    users.write_bytes(b"a,b\n1,\xff\n")
    with pytest.raises(StoreRejected, match="UTF8"):
        list(store.read(NAMES))
    users.with_suffix(".csv.gz").write_bytes(b"not packed")
    with pytest.raises((StoreUnavailable, StoreRejected), match=r"users\.csv\.gz cannot be read"):
        list(_csv(users.with_suffix(".csv.gz")).read(NAMES))


def test_an_object_store_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreUnavailable, match=r"'users': bucket/a\.csv cannot be read"):
        list(_oss("http://127.0.0.1:1", "a.csv", bucket="bucket").read(NAMES))
