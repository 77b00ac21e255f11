"""What a task will write: its script over a sample of windows, counted up to a day and a year, beside its source. Imports no Beam."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.home import Home
from pipelines.query import run_to_table
from pipelines.schedule.instance_plan import plan_window
from pipelines.schedule.instance_rows import rows_to_logs
from transforms.connectors import create_logstore, open_logstore
from transforms.core.errors import NotFound
from transforms.core.interval import Interval
from transforms.core.log_group import LogGroup
from transforms.schedule.destinations import TableDestination
from transforms.schedule.instance import make_instance
from transforms.schedule.instance_tags import instance_tags
from transforms.schedule.task import Task
from transforms.stores.logstore import DataFile, LogstoreDescriptor
from transforms.stores.shard import even_shards

__all__ = ["Estimate", "SourceSize", "estimate_task"]

_DAY = 86_400
_YEAR_DAYS = 365
_SAMPLE_ID = "00000000-0000-0000-0000-000000000000"
_COUNTED_DAYS = 28
"""Schedules repeat within four weeks, apart from changes of the clocks and months of unlike length."""


@dataclass(frozen=True)
class SourceSize:
    """Logs and stored bytes of a source in a day."""

    rows: float
    bytes: float


@dataclass(frozen=True)
class Estimate:
    """What was found.

    Attributes:
        span: of the source's logs that the sample is from, Unix seconds.
        windows: schedule times that were tried.
        instances: a day.
        rows_window: result rows of a window, on average; ``seconds_window``: time to compute one.
        written_window: logs, samples or table rows of a window.
        bytes_row: stored bytes of one written row once small files are compacted; None for a database table.
        source: a day of it.
    """

    span: Interval
    windows: tuple[int, ...]
    instances: float
    rows_window: float
    written_window: float
    seconds_window: float
    bytes_row: float | None
    source: SourceSize

    @property
    def rows_day(self) -> float:
        """Rows written a day."""
        return self.written_window * self.instances

    @property
    def bytes_day(self) -> float | None:
        """Bytes stored a day."""
        return None if self.bytes_row is None else self.rows_day * self.bytes_row

    def as_table(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows: source, destination, and their ratio; a day and a year."""
        rows = []
        for period, days in (("day", 1), ("year", _YEAR_DAYS)):
            source, written, size = self.source, self.rows_day * days, self.bytes_day
            rows.append([period, "source", round(source.rows * days), round(source.bytes * days), None, None])
            rows.append(
                [period, "destination", round(written), None if size is None else round(size * days), _percent(self.rows_day, source.rows),
                 None if size is None else _percent(size, source.bytes)]
            )  # fmt: skip
        return ["period", "store", "rows", "bytes", "rows_percent", "bytes_percent"], rows


def estimate_task(home: Home, task: Task, *, most_windows: int = 24, note: Callable[[str], None] = lambda _text: None) -> Estimate:
    """Run a task's script over windows spread evenly over the newest day of its source, and write nothing that stays.

    Raises NotFound when the source has no logs, or none of the task's windows lies among them; StatementError and others as a run would.
    """
    source = home.catalogue().logstore(task.project, task.source)
    files = open_logstore(source).snapshot().files
    if not files:
        raise NotFound(f"{task.source!r} has no logs to sample", hint="import some, or choose another source", code="NoLogs")
    end = max(file.time_max for file in files) + 1
    span = Interval(max(min(file.time_min for file in files), end - _DAY), end)
    times = _sample(task, span, most_windows)
    rows = seconds = 0.0
    groups: list[LogGroup] = []
    for number, schedule_time in enumerate(times, start=1):
        note(f"window {number} of {len(times)}")
        window = task.window_at(schedule_time)
        instance = make_instance(_SAMPLE_ID, schedule_time, window, end * 1_000_000)
        plan = plan_window(home, task, schedule_time, window, end * 1_000_000)
        started = time.monotonic()
        table = run_to_table(plan)
        seconds += time.monotonic() - started
        rows += table.num_rows
        if not isinstance(task.destination, TableDestination):
            made = rows_to_logs(task, window, instance_tags(task.project, task.name, instance))
            groups += [batch.group for batch in made(table)]
    written = sum(group.num_rows for group in groups) if groups else rows
    count = len(times)
    return Estimate(
        span,
        times,
        _instances_a_day(task, times[0]),
        rows / count,
        written / count,
        seconds / count,
        _bytes_a_row(groups),
        _size(files, span),
    )


def _bytes_a_row(groups: Sequence[LogGroup]) -> float | None:
    """Of one file with the rows of all windows, as compaction leaves them; None for rows that are no logs."""
    rows = sum(group.num_rows for group in groups)
    if not groups:
        return None
    if not rows:
        return 0.0
    with tempfile.TemporaryDirectory(prefix="logsluice-") as folder:
        store = create_logstore(LogstoreDescriptor("sample", "sample", folder, even_shards(1)))
        return sum(file.size for file in store.write_files(groups)) / rows


def _sample(task: Task, span: Interval, most: int) -> tuple[int, ...]:
    """Schedule times whose windows lie in the span, spread evenly."""
    anchor = task.first_schedule_time()
    anchor = task.from_time if anchor is None else anchor
    longest = 2 * _DAY  # a window ends at most so long before or after its schedule time, or it is none that anybody means
    around = Interval(span.start - longest, span.end + longest)
    inside = [
        at
        for at in task.rule.times(around, anchor)
        if task.window.problem_at(at, task.zone) is None and task.window_at(at).start >= span.start and task.window_at(at).end <= span.end
    ]
    if not inside:
        raise NotFound(
            f"no window of the task lies among the logs of {task.source!r}",
            hint="a sample needs logs for at least one whole window",
            code="NoLogs",
        )
    count = min(most, len(inside))
    return tuple(inside[number * len(inside) // count] for number in range(count))


def _instances_a_day(task: Task, anchor: int) -> float:
    within = Interval(anchor, anchor + _COUNTED_DAYS * _DAY)
    return sum(1 for _ in task.rule.times(within, anchor)) / _COUNTED_DAYS


def _size(files: Sequence[DataFile], span: Interval) -> SourceSize:
    """Of a file that reaches out of the span its share counts."""
    rows = size = 0.0
    for file in files:
        inside = min(file.time_max + 1, span.end) - max(file.time_min, span.start)
        share = max(0.0, inside / (file.time_max + 1 - file.time_min))
        rows += file.rows * share
        size += file.size * share
    days = (span.end - span.start) / _DAY
    return SourceSize(rows / days, size / days)


def _percent(part: float, whole: float) -> float | None:
    return round(100 * part / whole, 4) if whole else None
