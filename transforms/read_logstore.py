"""ReadLogstore: the logs of a Logstore as a PCollection of LogGroups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PBegin, PCollection

from transforms.connectors import open_logstore
from transforms.core.error_transport import portable_errors
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import LogGroup
from transforms.log_group_coder import register_log_group_coder
from transforms.read_consumer_group import GroupRead, ReadConsumerGroup
from transforms.stores.control_database import ControlDatabase
from transforms.stores.logstore import Logstore, LogstoreDescriptor, Snapshot
from transforms.stores.read_task import ReadTask, read_tasks

__all__ = ["ReadLogstore"]

register_log_group_coder()


class ReadLogstore(beam.PTransform[Any, Any]):
    """Reads exactly the logs of two intervals, with their receive times; LogGroups of at most 64 k logs and 32 MB.

    The files are listed when the transform is made, so that what is read is fixed: a retry, or another worker, reads the same logs.
    Workers get their tasks' files and open nothing else than those.

    Args:
        descriptor: which Logstore.
        times: event times ``__time__``, Unix seconds.
        received: receive times, microseconds.
        fields: names of the fields to read; None = all.
        snapshot: what to read, when it was taken before; it may hold more than the intervals.
        least_tasks: how many tasks to aim at, at least: some for each worker.
        group: read as a consumer group does, without end: then `transforms.read_consumer_group.ReadConsumerGroup` says what is read, and
            neither intervals nor a snapshot are given.
        database, slots, start, stop_at: of a group; see there.

    Attributes:
        snapshot: what is read: its version, its files.
        tasks: how it is shared among workers.

    Raises NotFound when there is no such Logstore.
    """

    def __init__(
        self,
        descriptor: LogstoreDescriptor,
        times: Interval = ALL_TIME,
        received: Interval = ALL_TIME,
        fields: Sequence[str] | None = None,
        *,
        snapshot: Snapshot | None = None,
        least_tasks: int = 1,
        group: str | None = None,
        database: ControlDatabase | None = None,
        slots: int = 1,
        start: Literal["begin", "end"] | int = "begin",
        stop_at: int | None = None,
    ) -> None:
        super().__init__()
        self._continuous: ReadConsumerGroup | None = None
        if group is not None:
            if database is None or snapshot is not None or times != ALL_TIME or received != ALL_TIME:
                raise ParameterInvalid(
                    "a consumer group reads all logs as they come, from where the group is",
                    hint="give `database`, where the group is kept; `start` and `stop_at` are receive times",
                )
            names = None if fields is None else tuple(fields)
            self._continuous = ReadConsumerGroup(GroupRead(descriptor, group, database, start, stop_at, names), slots)
            return
        self.snapshot = snapshot or open_logstore(descriptor).snapshot(times, received=received)
        self.tasks = read_tasks(self.snapshot, least_tasks)
        self._scan = _Scan(descriptor, times, received, None if fields is None else tuple(fields))

    def expand(self, begin: PBegin) -> PCollection[LogGroup]:
        if self._continuous is not None:
            return self._continuous.expand(begin)
        tasks = begin | "Read tasks" >> beam.Create(list(self.tasks)).with_output_types(ReadTask)
        if len(self.tasks) > 1:
            # Without the shuffle all tasks would be fused into one bundle of one worker.
            tasks = tasks | "Spread" >> beam.Reshuffle()
        groups: PCollection[LogGroup] = tasks | "Read files" >> beam.ParDo(self._scan).with_output_types(LogGroup)
        return groups


class _Scan(beam.DoFn):
    def __init__(self, descriptor: LogstoreDescriptor, times: Interval, received: Interval, fields: tuple[str, ...] | None) -> None:
        self._descriptor = descriptor
        self._times = times
        self._received = received
        self._fields = fields
        self._rows = Metrics.counter("logsluice", "log_rows_read")
        self._files = Metrics.counter("logsluice", "files_read")
        self._store: Logstore | None = None

    def teardown(self) -> None:
        self._store = None

    def process(self, task: ReadTask) -> Iterable[LogGroup]:
        with portable_errors():
            if self._store is None:
                self._store = open_logstore(self._descriptor)
            for group in self._store.read_files(
                task.files, self._times, received=self._received, fields=self._fields, part=task.part, parts=task.parts
            ):
                self._rows.inc(group.num_rows)
                yield group
        self._files.inc(len(task.files))
