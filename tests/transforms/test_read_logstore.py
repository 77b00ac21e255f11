"""ReadLogstore on its own: exact logs, bounded groups, shared among workers that see nothing but the Logstore."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam
import polars as pl
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that

from pipelines.launch import new_pipeline, run_pipeline
from transforms.connectors import create_logstore
from transforms.core.errors import NotFound, StoreUnavailable
from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS
from transforms.core.interval import Interval
from transforms.core.log_group import MAX_BYTES, MAX_ROWS, LogGroup
from transforms.read_logstore import ReadLogstore
from transforms.stores.logstore import DataFile, Logstore, LogstoreDescriptor, Snapshot
from transforms.stores.read_task import ReadTask, read_tasks
from transforms.stores.shard import even_shards

LOCAL = PipelineOptions(["--runner", "FnApiRunner"])


def group(start: int, count: int) -> LogGroup:
    numbers = pl.int_range(start, start + count, eager=True)
    return LogGroup.from_frame(pl.DataFrame({TIME: numbers, "n": numbers.cast(pl.String), "other": pl.repeat("x", count, eager=True)}))


@pytest.fixture
def store(tmp_path: Path) -> Logstore:
    made = create_logstore(LogstoreDescriptor("demo", "web", str(tmp_path / "web"), even_shards(2)))
    for start in (0, 1_000, 2_000):
        made.append([group(start, 1_000)])
    made.append([group(3_000, 150_000)])
    return made


def logs_of(groups: Iterable[LogGroup]) -> pl.DataFrame:
    """All logs, sorted."""
    frames: list[pl.DataFrame] = [one.frame().select(TIME, RECEIVE_TIME, "n") for one in groups]
    return pl.concat(frames).sort(TIME)


def read(transform: ReadLogstore, check: Any, options: PipelineOptions = LOCAL) -> None:
    pipeline = new_pipeline(options)
    assert_that(pipeline | transform, check)
    run_pipeline(pipeline)


def test_all_logs_come_once_with_their_receive_times_in_bounded_groups(store: Logstore) -> None:
    whole = logs_of(store.read())

    def check(groups: list[LogGroup]) -> None:
        assert logs_of(groups).equals(whole)
        assert all(one.num_rows <= MAX_ROWS and one.nbytes <= MAX_BYTES for one in groups)
        assert {tuple(one.table.column_names) for one in groups} == {(TIME, TIME_NS, RECEIVE_TIME, "n", "other")}

    for least in (1, 7):
        transform = ReadLogstore(store.descriptor, least_tasks=least)
        assert len(transform.tasks) >= min(least, 4)
        read(transform, check)


def test_only_the_intervals_and_fields_asked_for(store: Logstore) -> None:
    second = store.snapshot().files[1].receive_time
    assert second is not None

    def check(groups: list[LogGroup]) -> None:
        assert {one.table.column_names[-1] for one in groups} == {"n"}
        assert logs_of(groups)[TIME].to_list() == list(range(1_990, 2_000))

    transform = ReadLogstore(store.descriptor, Interval(1_990, 5_000), Interval(second, second + 1), ["n"])
    assert len(transform.snapshot.files) == 1
    read(transform, check)
    read(ReadLogstore(store.descriptor, Interval(-5, 0)), lambda groups: _equal(groups, []))


def test_what_is_read_is_fixed_when_the_transform_is_made(store: Logstore) -> None:
    whole = logs_of(store.read())
    transform = ReadLogstore(store.descriptor)
    store.append([group(900_000, 10)])
    store.compact(min_files=2)

    def check(groups: list[LogGroup]) -> None:
        assert logs_of(groups).equals(whole)

    read(transform, check)
    read(ReadLogstore(store.descriptor, snapshot=transform.snapshot), check)


def test_worker_processes_share_the_tasks(store: Logstore) -> None:
    transform = ReadLogstore(store.descriptor, least_tasks=4)
    pipeline = new_pipeline(PipelineOptions(["--runner", "FnApiRunner", "--direct_num_workers", "2"]))
    counts = pipeline | transform | beam.Map(lambda one: one.num_rows) | beam.CombineGlobally(sum)
    assert_that(counts, lambda found: _equal(found, [153_000]))
    run_pipeline(pipeline)


def _equal(found: list[Any], wanted: list[Any]) -> None:
    assert found == wanted


def test_a_missing_store_and_a_deleted_file_are_told(store: Logstore, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        ReadLogstore(LogstoreDescriptor("demo", "none", str(tmp_path / "none"), even_shards(1)))
    transform = ReadLogstore(store.descriptor)
    Path(transform.snapshot.files[0].path).unlink()
    with pytest.raises(StoreUnavailable, match="is gone"):
        read(transform, lambda groups: None)


def test_tasks_are_stable_bounded_and_share_big_files() -> None:
    files = tuple(DataFile(f"/{n}", size, size, 0, 0, 1) for n, size in enumerate([10, 10, 10, 95, 300, 5]))
    snapshot = Snapshot(1, files, 6, 430, 430, ())
    tasks = read_tasks(snapshot, most_bytes=100)
    assert tasks == read_tasks(snapshot, most_bytes=100) == pickle.loads(pickle.dumps(tasks))
    assert [(len(task.files), task.part, task.parts) for task in tasks] == [
        (3, 0, 1), (1, 0, 1), (1, 0, 3), (1, 1, 3), (1, 2, 3), (1, 0, 1)
    ]  # fmt: skip
    assert [task.number for task in tasks] == list(range(6)) and all(task.bytes <= 100 for task in tasks)
    assert len(read_tasks(snapshot, least=4)) >= 4
    assert read_tasks(snapshot) == (ReadTask(0, files),)
    assert read_tasks(Snapshot(1, (), 0, 0, 0, ())) == ()


def test_shares_of_a_file_are_all_of_it(store: Logstore) -> None:
    file = store.snapshot().files[-1]
    for parts in (1, 2, 3, 9):
        shares = [list(store.read_files([file], part=part, parts=parts)) for part in range(parts)]
        assert sum(one.num_rows for share in shares for one in share) == 150_000
        assert [n for share in shares for one in share for n in one.frame()[TIME].head(1)] == sorted(
            n for share in shares for one in share for n in one.frame()[TIME].head(1)
        )
