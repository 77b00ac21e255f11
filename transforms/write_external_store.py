"""WriteExternalStore: rows into a database table, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection

from transforms.connectors import open_external_store
from transforms.core.arrow_stream import from_stream
from transforms.core.error_transport import portable_errors
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.table_commit import TableCommit, TableCommitted

__all__ = ["WriteExternalStore"]

_NO_ROWS = b""


class WriteExternalStore(beam.PTransform[Any, Any]):
    """Writes the rows of all elements (Arrow IPC streams), columns by position, in one transaction; all or nothing.

    With a ``commit`` they are the rows of an instance and are written once, however often a runner repeats the step; earlier rows of
    the instance are removed even when there are no elements. Gives a PCollection of one `TableCommitted`.

    Without one they are inserted, and inserted again by a runner that repeats the step after it committed. Gives a PCollection of one
    element, the number of rows written, or of none when there are no elements.

    The rows come to one worker: use it for results, not for logs.
    """

    def __init__(self, descriptor: ExternalStoreDescriptor, commit: TableCommit | None = None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._commit = commit

    def expand(self, tables: PCollection[bytes]) -> PCollection[Any]:
        if self._commit is None:
            step: beam.PTransform[Any, Any] = beam.ParDo(_Write(self._descriptor)).with_output_types(int)
        else:
            # The step runs once also when there is nothing to write.
            none = tables.pipeline | "No rows" >> beam.Create([_NO_ROWS]).with_output_types(bytes)
            tables = (tables, none) | "With no rows" >> beam.Flatten()
            step = beam.ParDo(_Commit(self._descriptor, self._commit)).with_output_types(TableCommitted)
        gathered = tables | "To one place" >> beam.WithKeys(0).with_output_types(tuple[int, bytes]) | "Gather" >> beam.GroupByKey()
        written: PCollection[Any] = gathered | "Write" >> step
        return written


class _Write(beam.DoFn):
    def __init__(self, descriptor: ExternalStoreDescriptor) -> None:
        self._descriptor = descriptor
        self._rows = Metrics.counter("logsluice", "external_rows_written")

    def process(self, gathered: tuple[int, Iterable[bytes]]) -> Iterable[int]:
        with portable_errors():
            store = open_external_store(self._descriptor)
            try:
                written = store.write(batch for stream in gathered[1] for batch in from_stream(stream).to_batches())
            finally:
                store.close()
        self._rows.inc(written)
        yield written


class _Commit(beam.DoFn):
    def __init__(self, descriptor: ExternalStoreDescriptor, commit: TableCommit) -> None:
        self._descriptor = descriptor
        self._commit = commit
        self._rows = Metrics.counter("logsluice", "external_rows_written")

    def process(self, gathered: tuple[int, Iterable[bytes]]) -> Iterable[TableCommitted]:
        with portable_errors():
            store = open_external_store(self._descriptor)
            try:
                done = store.commit_rows(_Batches([stream for stream in gathered[1] if stream != _NO_ROWS]), self._commit)
            finally:
                store.close()
        self._rows.inc(done.rows if done.applied else 0)
        yield done


class _Batches:
    """The record batches of streams, as often as they are asked for; decoded one stream at a time."""

    def __init__(self, streams: Sequence[bytes]) -> None:
        self._streams = streams

    def __iter__(self) -> Iterator[Any]:
        for stream in self._streams:
            yield from from_stream(stream).to_batches()
