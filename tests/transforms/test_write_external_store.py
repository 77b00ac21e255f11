"""WriteExternalStore with a commit: one element out, whatever comes in, once whatever is repeated."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to

from pipelines.launch import new_pipeline, run_pipeline
from tests.connectors.sql_stores import sqlite_store
from transforms.core.arrow_stream import to_stream
from transforms.core.errors import CommitConflict, StoreRejected
from transforms.core.interval import Interval
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.table_commit import TableCommit, TableCommitted
from transforms.write_external_store import WriteExternalStore

LOCAL = PipelineOptions(["--runner=DirectRunner"])
COMMIT = TableCommit("job", 1, "one", 1, Interval(0, 100), window_column="minute")


@pytest.fixture
def descriptor(tmp_path: Path) -> ExternalStoreDescriptor:
    return sqlite_store(tmp_path / "t.db", "t", "create table t (minute bigint, n bigint)").descriptor


def stored(descriptor: ExternalStoreDescriptor) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(descriptor.parameter["db"])) as connection:
        return connection.execute("select minute, n from t order by 1").fetchall()


def streams(*minutes: int) -> list[bytes]:
    return [to_stream(pa.table({"m": pa.array([minute], pa.int64()), "n": pa.array([7], pa.int64())})) for minute in minutes]


def written(descriptor: ExternalStoreDescriptor, found: list[bytes], commit: TableCommit, expected: TableCommitted) -> None:
    pipeline = new_pipeline(LOCAL)
    done = pipeline | beam.Create(found, reshuffle=False) | WriteExternalStore(descriptor, commit)
    assert_that(done, equal_to([expected]))
    run_pipeline(pipeline)


def test_all_elements_go_in_one_commit_and_once(descriptor: ExternalStoreDescriptor) -> None:
    written(descriptor, streams(1, 2, 3), COMMIT, TableCommitted(3, True, 1))
    written(descriptor, streams(1, 2, 3), COMMIT, TableCommitted(3, False, 1))
    assert stored(descriptor) == [(1, 7), (2, 7), (3, 7)]
    written(descriptor, streams(5), replace(COMMIT, attempt=2), TableCommitted(1, True, 2))
    assert stored(descriptor) == [(5, 7)]


def test_no_elements_remove_earlier_rows(descriptor: ExternalStoreDescriptor) -> None:
    written(descriptor, streams(1, 2), COMMIT, TableCommitted(2, True, 1))
    written(descriptor, [], replace(COMMIT, attempt=2), TableCommitted(0, True, 2))
    assert stored(descriptor) == []


def test_a_refusal_arrives_whole(descriptor: ExternalStoreDescriptor) -> None:
    written(descriptor, streams(1), replace(COMMIT, attempt=4), TableCommitted(1, True, 4))
    for found, commit, kind, code in (
        (streams(2), replace(COMMIT, attempt=3), CommitConflict, "InstanceSuperseded"),
        (streams(100), replace(COMMIT, attempt=5), StoreRejected, "StoreRejected"),
        (streams(2), replace(COMMIT, attempt=5, run=2, succeeded_before=True, window_column=""), StoreRejected, "InstanceRerunRefused"),
    ):
        pipeline = new_pipeline(LOCAL)
        pipeline | beam.Create(found) | WriteExternalStore(descriptor, commit)
        with pytest.raises(kind, match="'s_t'") as caught:
            run_pipeline(pipeline)
        assert caught.value.code == code and caught.value.hint
    assert stored(descriptor) == [(1, 7)]
