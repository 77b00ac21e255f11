"""WriteExternalStore: rows into a database table, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection

from transforms.connectors import open_external_store
from transforms.core.arrow_stream import from_stream
from transforms.core.error_transport import portable_errors
from transforms.stores.external_store import ExternalStoreDescriptor

__all__ = ["WriteExternalStore"]


class WriteExternalStore(beam.PTransform[Any, Any]):
    """Inserts the rows of all elements (Arrow IPC streams), columns by position, in one transaction; all or nothing.

    Gives a PCollection of one element: the number of rows written. The rows come to one worker: use it for results, not for logs.
    """

    def __init__(self, descriptor: ExternalStoreDescriptor) -> None:
        super().__init__()
        self._descriptor = descriptor

    def expand(self, tables: PCollection[bytes]) -> PCollection[int]:
        written: PCollection[int] = (
            tables
            | "To one place" >> beam.WithKeys(0).with_output_types(tuple[int, bytes])
            | "Gather" >> beam.GroupByKey()
            | "Write" >> beam.ParDo(_Write(self._descriptor)).with_output_types(int)
        )
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
