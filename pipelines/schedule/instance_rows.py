"""Rows of a result as what an instance writes: logs for a Logstore, samples for a Metricstore. Runs on workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from transforms.connectors import open_logstore
from transforms.core.errors import QueryFailed
from transforms.core.interval import Interval
from transforms.schedule.destinations import MetricstoreDestination
from transforms.schedule.task import MOST_RESULT_ROWS, Task
from transforms.sql.result_logs import groups_of_rows
from transforms.sql.result_samples import SampleBatch, SampleForm, samples_of_rows
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import Shard

__all__ = ["MOST_RESULT_ROWS", "RowsToLogs", "check_rows", "label_shards", "rows_to_logs"]


@dataclass(frozen=True)
class RowsToLogs:
    """Makes logs, or samples, of a result (an Arrow table), in batches of bounded size; a batch says to which shard it goes (None: any).

    Attributes:
        seconds: the event time of logs that say none, the start of the window.
        constants: fields that all of them carry.
        samples: how rows become samples; None: each row becomes a log.
        shards: of the destination, for samples whose labels choose one.
    """

    seconds: int
    constants: Mapping[str, str]
    samples: SampleForm | None = None
    shards: tuple[Shard, ...] = ()

    def __call__(self, table: Any) -> Iterator[SampleBatch]:
        check_rows(table.num_rows)
        if self.samples is not None:
            return samples_of_rows(table, self.samples, self.shards)
        groups = groups_of_rows(table, table.column_names, self.seconds, constants=self.constants)
        return (SampleBatch(None, group, 0) for group in groups)


def rows_to_logs(task: Task, window: Interval, tags: Mapping[str, str], shards: tuple[Shard, ...] = ()) -> RowsToLogs:
    """For one window of a task that writes to a Logstore or a Metricstore with these shards."""
    to = task.destination
    if not isinstance(to, MetricstoreDestination):
        return RowsToLogs(window.start, tags)
    form = SampleForm(to.metric_keys, window.start, to.label_keys, to.hash_labels, to.add_labels, to.time_key, tags)
    return RowsToLogs(window.start, tags, form, shards)


def label_shards(task: Task, target: LogstoreDescriptor) -> tuple[Shard, ...]:
    """The shards among which labels of the task's samples choose: those that take logs now. After a split its descriptor does not know them.

    Errors as of opening the store.
    """
    to = task.destination
    if not isinstance(to, MetricstoreDestination) or not to.hash_labels:
        return ()
    return open_logstore(target).shard_map().writable


def check_rows(rows: int) -> None:
    """Raises QueryFailed with code ``TooManyRows``."""
    if rows > MOST_RESULT_ROWS:
        raise QueryFailed(
            f"the statement gives more than {MOST_RESULT_ROWS:,} rows for one window; nothing was written",
            hint="group more coarsely, shorten the window, or add a LIMIT",
            code="TooManyRows",
        )
