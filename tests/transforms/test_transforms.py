"""The PTransforms on their own, as another Beam user would apply them."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to

import transforms
from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.launch import run_pipeline
from pipelines.query import run_in_process, surroundings_of
from tests.pipelines.game import DAY, make_logs, make_sqlite_tables, sqlite_rows
from transforms.core.arrow_stream import from_stream, to_stream
from transforms.core.errors import QueryFailed, StoreRejected
from transforms.core.log_group import LogGroup
from transforms.log_group_coder import LogGroupCoder
from transforms.query_logs import QueryLogs
from transforms.read_external_store import ReadExternalStore
from transforms.sql import planner
from transforms.sql.plan import ExternalRead, QueryPlan
from transforms.sql.planner import PlanOptions, plan_query
from transforms.stores.external_store import Condition, ExternalStoreDescriptor
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards
from transforms.write_external_store import WriteExternalStore
from transforms.write_logstore import WriteLogstore

LOCAL = PipelineOptions(["--runner", "FnApiRunner"])


@pytest.fixture
def game(home: Home, tmp_path: Path) -> Home:
    make_logs(home)
    make_sqlite_tables(home, tmp_path / "game.sqlite")
    return home


def plan_of(home: Home, statement: str) -> QueryPlan:
    return plan_query(
        statement, DAY, surroundings_of(home, DEFAULT_PROJECT, "game_log"), PlanOptions(now_us=1_800_000_000_000_000, least_tasks=3)
    )


def test_the_public_names_are_these() -> None:
    assert sorted(transforms.__all__) == [
        "LogGroup",
        "QueryLogs",
        "ReadConsumerGroup",
        "ReadExternalStore",
        "ReadLogstore",
        "WriteExternalStore",
        "WriteLogstore",
        "WriteLogstores",
    ]
    for name in transforms.__all__:
        assert getattr(transforms, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'ReadLogstores'"):
        transforms.ReadLogstores  # noqa: B018


def test_read_external_store_gives_one_table(game: Home) -> None:
    descriptor = game.catalogue().external_store(DEFAULT_PROJECT, "chiji_user")
    read = ExternalRead(descriptor, ("uid", "age"), (Condition("age", ">", (60,)),))
    with beam.Pipeline(options=LOCAL) as pipeline:
        tables = pipeline | ReadExternalStore(read) | beam.Map(lambda stream: from_stream(stream).to_pydict())
        assert_that(tables, _check_users)


def _check_users(got: list[Any]) -> None:
    assert len(got) == 1 and set(got[0]) == {"uid", "age"}
    assert got[0]["age"] and min(got[0]["age"]) > 60


def test_write_external_store_writes_all_elements_in_one_transaction(game: Home, tmp_path: Path) -> None:
    descriptor = game.catalogue().external_store(DEFAULT_PROJECT, "report")
    streams = [to_stream(pa.table({"m": pa.array([n], pa.int64()), "p": pa.array([n * n], pa.int64())})) for n in range(5)]
    with beam.Pipeline(options=LOCAL) as pipeline:
        written = pipeline | beam.Create(streams) | WriteExternalStore(descriptor)
        assert_that(written, equal_to([5]))
    rows = sqlite_rows(tmp_path / "game.sqlite", "select minute, pv from report order by 1")
    assert rows == [(n, n * n) for n in range(5)]


def test_a_rejected_write_leaves_nothing(game: Home, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "game.sqlite") as connection:
        connection.execute("create unique index once on report(minute)")
    connection.close()
    descriptor = game.catalogue().external_store(DEFAULT_PROJECT, "report")
    twice = pa.table({"m": pa.array([1, 2, 1], pa.int64()), "p": pa.array([1, 1, 1], pa.int64())})
    pipeline = beam.Pipeline(options=LOCAL)
    pipeline | beam.Create([to_stream(twice)]) | WriteExternalStore(descriptor)
    with pytest.raises(StoreRejected, match="report") as caught:
        run_pipeline(pipeline)
    assert caught.value.hint and "Traceback" not in str(caught.value)
    assert sqlite_rows(tmp_path / "game.sqlite", "select count(*) from report") == [(0,)]


def test_write_logstore_makes_all_logs_visible_in_one_commit(home: Home) -> None:
    descriptor = LogstoreDescriptor(DEFAULT_PROJECT, "out", "", even_shards(2))
    store = home.create_logstore(descriptor)
    descriptor = store.descriptor
    groups = [LogGroup.from_logs([{"n": str(i), "odd name": ""}], [1_700_000_000 + i]) for i in range(7)]
    before = store.version()
    with beam.Pipeline(options=LOCAL) as pipeline:
        written = pipeline | beam.Create(groups) | WriteLogstore(descriptor)
        assert_that(written, equal_to([7]))
    logs = sorted(log["n"] for group in store.read() for log in group.to_logs())
    assert logs == [str(i) for i in range(7)]
    times = [group.receive_times for group in store.read()]
    assert len({time for column in times if column is not None for time in column.to_pylist()}) == 1
    assert store.version() > before


def test_the_coder_writes_only_the_rows_of_a_slice() -> None:
    whole = LogGroup.from_logs([{"n": "x" * 100}] * 10_000, range(10_000))
    part = LogGroup(whole.table.slice(500, 1))
    coder = LogGroupCoder()
    encoded = coder.encode(part)
    assert len(encoded) < 2_000
    assert list(coder.decode(encoded).to_logs()) == list(part.to_logs())


def test_a_big_store_is_read_by_the_keys_that_occur(game: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    statement = "money > 640 | select u.uid, count(1) as c from log l join chiji_user u on l.userid = u.uid group by u.uid order by c desc, u.uid limit 50"
    whole = list(run_in_process(plan_of(game, statement), now_seconds=0).rows.plain())
    monkeypatch.setattr(planner, "BIG_STORE_ROWS", 100)
    plan = plan_of(game, statement)
    assert plan.external[0].keys is not None and any("join key" in reason for reason in plan.reasons)
    assert list(run_in_process(plan, now_seconds=0).rows.plain()) == whole
    with beam.Pipeline(options=LOCAL) as pipeline:
        rows = pipeline | QueryLogs(plan) | beam.FlatMap(lambda stream: from_stream(stream).to_pylist())
        assert_that(rows, equal_to([dict(zip(("uid", "c"), row, strict=True)) for row in whole]))
    few = dataclasses.replace(plan.external[0], keys=dataclasses.replace(plan.external[0].keys, at_most=3))
    assert few.conditions_with([1, 2, 3]) == (Condition("uid", "in", (1, 2, 3)),)
    assert few.conditions_with([1, 2, 3, 4]) == ()
    assert list(run_in_process(dataclasses.replace(plan, external=(few,)), now_seconds=0).rows.plain()) == whole


def test_a_failing_statement_arrives_whole_from_the_worker(game: Home) -> None:
    pipeline = beam.Pipeline(options=LOCAL)
    pipeline | QueryLogs(plan_of(game, "* | select cast(operation as bigint) as n"))
    with pytest.raises(QueryFailed) as caught:
        run_pipeline(pipeline)
    assert caught.value.code == "CastFailed" and caught.value.hint


def test_transforms_may_be_used_twice_in_one_pipeline(game: Home) -> None:
    plan = plan_of(game, "* | select count(1) as c")
    with beam.Pipeline(options=LOCAL) as pipeline:
        both = [pipeline | f"Query {n}" >> QueryLogs(plan) for n in (1, 2)] | beam.Flatten()
        counts = both | beam.Map(lambda stream: from_stream(stream).to_pylist()[0]["c"])
        assert_that(counts, equal_to([40_000, 40_000]))


def test_an_unknown_store_kind_is_refused() -> None:
    from transforms.connectors import open_external_store
    from transforms.core.errors import ParameterInvalid

    with pytest.raises(ParameterInvalid, match="'orakle'"):
        open_external_store(ExternalStoreDescriptor("x", "orakle", {}))
