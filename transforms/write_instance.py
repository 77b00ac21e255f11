"""WriteInstance: the rows of one instance to its Logstore or Metricstore, once, however often the attempt is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection, TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from transforms.connectors import open_logstore
from transforms.core.arrow_stream import from_stream
from transforms.core.error_transport import portable_errors
from transforms.core.errors import CommitConflict
from transforms.core.log_group import LogGroup
from transforms.sql.result_samples import SampleBatch
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.write_logstores import Destination, Files, WriteLogstores

__all__ = ["CommitInstances", "InstanceWritten", "LogsOfResult", "WriteInstance"]

LogsOfResult = Callable[[Any], Iterable[SampleBatch]]
"""The rows of a result (an Arrow table) as logs or samples; travels to workers."""


class InstanceWritten(NamedTuple):
    """Rows of the result, logs or samples that became visible, samples that were left out."""

    rows_result: int
    rows_written: int
    skipped: int


class WriteInstance(beam.PTransform[Any, Any]):
    """Writes a result (one Arrow IPC stream) under the instance's id, in place of what was written under it before, in one commit.

    Gives a PCollection of one `InstanceWritten`. A bundle that is tried again changes nothing; a writer that was overtaken by a later
    turn of its task gets CommitConflict with code ``InstanceSuperseded`` and has written nothing.

    Args:
        target: the store.
        logs_of: makes logs of rows.
        writer: the task and the number of its turn.
        instance: id of the instance.
    """

    def __init__(self, target: LogstoreDescriptor, logs_of: LogsOfResult, writer: AppTransaction, instance: str) -> None:
        super().__init__()
        self._target = target
        self._logs_of = logs_of
        self._writer = writer
        self._instance = instance

    def expand(self, result: PCollection[bytes]) -> PCollection[InstanceWritten]:
        to_logs = beam.ParDo(_ToLogs(self._target.name, self._logs_of)).with_output_types(
            tuple[Destination, LogGroup], counts=tuple[int, int]
        )
        made = result | "Rows to logs" >> to_logs.with_outputs("counts", main="logs")
        commit = CommitInstances({self._target.name: self._target}, self._writer, (self._instance,))
        written = made.logs | "Write" >> WriteLogstores({self._target.name: self._target}, commit, origin=self._instance)
        counts = made.counts | "Counts" >> beam.WindowInto(GlobalWindows())
        report: PCollection[InstanceWritten] = written | "Count" >> beam.Map(_report, AsSingleton(counts)).with_output_types(
            InstanceWritten
        )
        return report


class CommitInstances:
    """A committer for the rows of instances: one commit in each target replaces what was written under their ids before.

    Gives the rows that are visible, by target. Raises CommitConflict with code ``InstanceSuperseded`` when a later turn has written.
    """

    def __init__(self, targets: Mapping[str, LogstoreDescriptor], writer: AppTransaction, instances: tuple[str, ...]) -> None:
        self._targets = dict(targets)
        self._writer = writer
        self._instances = instances

    def __call__(self, files: Files) -> dict[str, int]:
        rows = {}
        for target in sorted(files):
            commit = open_logstore(self._targets[target]).commit(files[target], app=self._writer, replaces=self._instances)
            if not commit.applied and (commit.previous_app_version or 0) > self._writer.version:
                raise CommitConflict(
                    f"a later attempt of the task has written to {target!r} already",
                    hint="nothing of this attempt became visible; let the later one finish",
                    code="InstanceSuperseded",
                )
            rows[target] = sum(file.rows for file in files[target])
        return rows


class _ToLogs(beam.DoFn):
    def __init__(self, target: str, logs_of: LogsOfResult) -> None:
        self._target = target
        self._logs_of = logs_of

    def process(self, stream: bytes) -> Iterable[Any]:
        skipped = 0
        with portable_errors():
            table: Any = from_stream(stream)
            for batch in self._logs_of(table):
                skipped += batch.skipped
                yield Destination(self._target, batch.shard), batch.group
        yield TaggedOutput("counts", (table.num_rows, skipped))


def _report(rows: Mapping[str, int], counts: tuple[int, int]) -> InstanceWritten:
    return InstanceWritten(counts[0], sum(rows.values()), counts[1])
