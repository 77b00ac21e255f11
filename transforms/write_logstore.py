"""WriteLogstore: LogGroups into a Logstore, visible in one commit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.utils.windowed_value import WindowedValue

from transforms.connectors import open_logstore
from transforms.core.error_transport import portable_errors
from transforms.core.log_group import LogGroup
from transforms.log_group_coder import register_log_group_coder
from transforms.stores.logstore import DataFile, LogstoreDescriptor

__all__ = ["WriteLogstore"]

register_log_group_coder()


class WriteLogstore(beam.PTransform[Any, Any]):
    """Writes the logs of all elements; gives a PCollection of one element: the number of logs that became visible.

    Bundles write data files and pass on their descriptions; one committer makes them visible in one commit. A bundle that is
    tried again leaves an invisible file behind; a commit that is tried again finds its files there and changes nothing, unless a
    compaction has put them into others in between.
    """

    def __init__(self, descriptor: LogstoreDescriptor) -> None:
        super().__init__()
        self._descriptor = descriptor

    def expand(self, groups: PCollection[LogGroup]) -> PCollection[int]:
        written: PCollection[int] = (
            groups
            | "Write files" >> beam.ParDo(_WriteFiles(self._descriptor)).with_output_types(list[DataFile])
            | "To one place" >> beam.WithKeys(0).with_output_types(tuple[int, list[DataFile]])
            | "Gather" >> beam.GroupByKey()
            # What is committed must not change when the commit is tried again.
            | "Settle" >> beam.Reshuffle()
            | "Commit" >> beam.ParDo(_Commit(self._descriptor)).with_output_types(int)
        )
        return written


class _WriteFiles(beam.DoFn):
    def __init__(self, descriptor: LogstoreDescriptor) -> None:
        self._descriptor = descriptor
        self._groups: list[LogGroup] = []
        self._bytes = 0

    def start_bundle(self) -> None:
        self._groups = []
        self._bytes = 0

    def process(self, group: LogGroup) -> Iterable[list[DataFile]]:
        self._groups.append(group)
        self._bytes += group.nbytes
        # Bounded by bytes too: a runner may make one bundle of everything.
        if self._bytes >= _FILE_BYTES:
            yield self._flush()

    def finish_bundle(self) -> Iterable[WindowedValue]:
        if self._groups:
            yield beam.transforms.window.GlobalWindows.windowed_value(self._flush())

    def _flush(self) -> list[DataFile]:
        groups, self._groups, self._bytes = self._groups, [], 0
        with portable_errors():
            return open_logstore(self._descriptor).write_files(groups)


class _Commit(beam.DoFn):
    def __init__(self, descriptor: LogstoreDescriptor) -> None:
        self._descriptor = descriptor
        self._rows = Metrics.counter("logsluice", "log_rows_written")

    def process(self, gathered: tuple[int, Iterable[list[DataFile]]]) -> Iterable[int]:
        files = [file for files in gathered[1] for file in files]
        with portable_errors():
            store = open_logstore(self._descriptor)
            visible = {file.path for file in store.snapshot().files}
            fresh = [file for file in files if file.path not in visible]
            if fresh:
                store.commit(fresh)
        written = sum(file.rows for file in files)
        self._rows.inc(written)
        yield written


_FILE_BYTES = 256 * 1024 * 1024
