"""ReadExternalStore: a table elsewhere as one Arrow table, to be broadcast as a side input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PBegin, PCollection

from transforms.connectors.external_tables import load_external_table
from transforms.core.arrow_stream import to_stream
from transforms.core.error_transport import portable_errors
from transforms.sql.plan import ExternalRead

__all__ = ["ReadExternalStore"]


class ReadExternalStore(beam.PTransform[Any, Any]):
    """Reads the columns and rows that a plan asks of an ExternalStore.

    Applied to the pipeline, it reads at once; applied to a PCollection of one element, that element is the list of join keys to
    push to the database. Gives a PCollection of one element: the table as an Arrow IPC stream (`transforms.core.arrow_stream`).

    Raises when run: StoreUnavailable, StoreRejected, naming the store.
    """

    def __init__(self, read: ExternalRead) -> None:
        super().__init__()
        self._read = read

    def expand(self, begin: PBegin | PCollection[list[Any]]) -> PCollection[bytes]:
        seed = begin | "Once" >> beam.Create([None]) if isinstance(begin, PBegin) else begin
        tables: PCollection[bytes] = seed | "Read" >> beam.ParDo(_Read(self._read)).with_output_types(bytes)
        return tables


class _Read(beam.DoFn):
    def __init__(self, read: ExternalRead) -> None:
        self._read = read
        self._rows = Metrics.counter("logsluice", "external_rows_read")

    def process(self, keys: list[Any] | None) -> Iterable[bytes]:
        read = self._read
        with portable_errors():
            table = load_external_table(read.descriptor, read.columns, read.conditions_with(keys))
        self._rows.inc(table.num_rows)
        yield to_stream(table)
