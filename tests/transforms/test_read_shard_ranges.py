"""Ranges of shards as a source of pipelines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from pipelines.launch import new_pipeline, options_of, run_pipeline
from transforms.connectors import create_logstore
from transforms.core.errors import NotFound
from transforms.core.log_group import LogGroup
from transforms.read_shard_ranges import ReadShardRanges, ShardRange
from transforms.stores.cursor import BEGIN
from transforms.stores.logstore import Logstore, LogstoreDescriptor
from transforms.stores.shard import even_shards


@pytest.fixture
def store(tmp_path: Path) -> Logstore:
    store = create_logstore(LogstoreDescriptor("demo", "source", str(tmp_path / "source"), even_shards(2)))
    for shard in (0, 1):
        for first in (0, 10):
            logs = [{"n": str(100 * shard + n)} for n in range(first, first + 10)]
            store.commit(store.write_files([LogGroup.from_logs(logs, list(range(10)))], shard=shard))
    return store


def run(build: Callable[[beam.Pipeline], Any], expected: Sequence[Any], *flags: str) -> None:
    pipeline = new_pipeline(options_of(list(flags)))
    logs = build(pipeline) | beam.FlatMap(lambda pair: [(pair[0], int(log["n"])) for log in pair[1].to_logs()])
    assert_that(logs, equal_to(list(expected)))
    run_pipeline(pipeline)


@pytest.mark.parametrize("flags", [(), ("--direct_num_workers=2", "--direct_running_mode=multi_threading")])
def test_exactly_the_logs_of_the_ranges_with_their_keys(store: Logstore, flags: tuple[str, ...]) -> None:
    ranges = [ShardRange("a", 0, store.reach(0, BEGIN, 3), store.reach(0, BEGIN, 14)), ShardRange("b", 1, BEGIN, store.end_cursor(1))]
    expected = [*(("a", n) for n in range(3, 14)), *(("b", 100 + n) for n in range(20))]
    run(lambda pipeline: pipeline | ReadShardRanges(store.descriptor, ranges), expected, *flags)
    run(lambda pipeline: pipeline | beam.Create(ranges) | ReadShardRanges(store.descriptor), expected, *flags)


def test_no_range_and_an_empty_one_give_nothing(store: Logstore) -> None:
    run(lambda pipeline: pipeline | ReadShardRanges(store.descriptor, []), [])
    end = store.end_cursor(0)
    run(lambda pipeline: pipeline | ReadShardRanges(store.descriptor, [ShardRange("a", 0, end, end)]), [])


def test_logs_that_are_gone_are_an_error(store: Logstore) -> None:
    ranges = [ShardRange("a", 0, store.reach(0, BEGIN, 3), store.end_cursor(0))]
    store.expire(1_000)
    store.vacuum(older_than_hours=0)
    with pytest.raises(NotFound) as error:
        run(lambda pipeline: pipeline | ReadShardRanges(store.descriptor, ranges), [])
    assert error.value.code == "CursorExpired"
