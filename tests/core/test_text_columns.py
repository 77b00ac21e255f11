"""A text column of a LogGroup is `string`, `large_string` or `string_view`: nobody downstream may tell them apart."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.tail_logs import _newest
from transforms.connectors import create_logstore
from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS
from transforms.core.log_group import LogGroup, split_rows
from transforms.formats.rendering import csv_records, json_lines, text_lines
from transforms.log_group_coder import LogGroupCoder
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

KINDS = [pa.string(), pa.large_string(), pa.string_view()]
TEXTS = ["a", None, "", "a text that is longer than twelve bytes ü", "x" * 5_000]


def made(kind: Any) -> LogGroup:
    count = len(TEXTS)
    columns: dict[str, Any] = {
        TIME: pa.array(range(count), pa.int64()), TIME_NS: pa.array([0] * count, pa.int32()), RECEIVE_TIME: pa.array(range(count), pa.int64()),
        "content": pa.array(TEXTS, kind), "n": pa.array(map(str, range(count)), kind),
    }  # fmt: skip
    return LogGroup(pa.table(columns))


@pytest.fixture(params=KINDS, ids=str)
def group(request: pytest.FixtureRequest) -> LogGroup:
    return made(request.param)


@pytest.fixture
def same() -> LogGroup:
    return made(pa.string())


def test_as_logs_as_a_frame_and_in_transit(group: LogGroup, same: LogGroup) -> None:
    coder = LogGroupCoder()
    assert group.frame()["content"].to_list() == TEXTS and group.fields == ("content", "n")
    for got in (group, pickle.loads(pickle.dumps(group)), coder.decode(coder.encode(group)), group.compacted(), group.trimmed()):
        assert list(got.to_logs()) == list(same.to_logs())
    assert [log for piece in split_rows(group, 2) for log in piece.to_logs()] == list(same.to_logs())
    assert LogGroup.from_frame(group.frame()).table["n"].type == pa.string_view()


def test_as_text(group: LogGroup, same: LogGroup) -> None:
    assert json_lines(group, receive_time=True) == json_lines(same, receive_time=True)
    assert csv_records(group, ["n", "content", "none"]) == csv_records(same, ["n", "content", "none"])
    assert text_lines(group) == text_lines(same)


def test_as_rows_of_a_store_of_an_engine_and_of_a_file(group: LogGroup, same: LogGroup, tmp_path: Path) -> None:
    store = create_logstore(LogstoreDescriptor("demo", "web", str(tmp_path / "web"), even_shards(1)))
    store.append([group, same])
    logs = [log for one in store.read() for log in one.to_logs()]
    assert logs[::2] == logs[1::2] == list(same.to_logs())
    logs_table = group.table
    assert duckdb.sql("select content from logs_table where n >= '1' order by n").fetchall() == [(text,) for text in TEXTS[1:]]
    pq.write_table(logs_table, tmp_path / "x.parquet")
    assert pl.read_parquet(tmp_path / "x.parquet")["content"].to_list() == TEXTS
    assert [log["n"] for one in _newest(iter([group, same]), 3) for log in one.to_logs()] == ["3", "4", "4"]
