"""Rows of a result as what an instance writes: logs for a Logstore, samples for a Metricstore. Runs on workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.core.errors import QueryFailed
from transforms.core.interval import Interval
from transforms.core.log_group import LogGroup
from transforms.schedule.destinations import MetricstoreDestination
from transforms.schedule.task import Task

__all__ = ["MOST_RESULT_ROWS", "RowsToLogs", "check_rows", "rows_to_logs"]

MOST_RESULT_ROWS = 1_000_000
"""Rows that one instance may write. More is an error: nothing is written then."""


@dataclass(frozen=True)
class RowsToLogs:
    """Makes logs, or samples, of a result (an Arrow table); says how many samples were left out.

    Attributes:
        metrics: how rows become samples; None: each row becomes a log.
        seconds: the event time of rows that say none, the start of the window.
        tags: fields that all of them carry.
    """

    metrics: MetricstoreDestination | None
    seconds: int
    tags: Mapping[str, str]

    def __call__(self, table: Any) -> tuple[LogGroup, int]:
        check_rows(table.num_rows)
        if self.metrics is None:
            from transforms.sql.result_logs import logs_of_rows

            return logs_of_rows(table, table.column_names, self.seconds, tags=self.tags), 0
        from transforms.sql.result_samples import samples_of_rows

        return samples_of_rows(table, self.metrics, self.seconds, tags=self.tags)


def rows_to_logs(task: Task, window: Interval, tags: Mapping[str, str]) -> RowsToLogs:
    """For one window of a task that writes to a Logstore or a Metricstore."""
    metrics = task.destination if isinstance(task.destination, MetricstoreDestination) else None
    return RowsToLogs(metrics, window.start, tags)


def check_rows(rows: int) -> None:
    """Raises QueryFailed with code ``TooManyRows``."""
    if rows > MOST_RESULT_ROWS:
        raise QueryFailed(
            f"the statement gives more than {MOST_RESULT_ROWS:,} rows for one window; nothing was written",
            hint="group more coarsely, shorten the window, or add a LIMIT",
            code="TooManyRows",
        )
