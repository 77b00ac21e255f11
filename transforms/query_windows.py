"""QueryWindows: one statement over many SQL time windows as a pipeline: a chunk of neighbouring windows is one element and one scan."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import AsDict, PBegin, PCollection

from transforms.core.arrow_stream import from_stream, to_stream
from transforms.core.error_transport import portable_errors
from transforms.core.errors import QueryFailed
from transforms.core.interval import Interval
from transforms.in_sql_time_window import InOwnSqlTimeWindow
from transforms.query_logs import external_tables
from transforms.sql.engine import EngineLimits
from transforms.sql.plan import ExternalRead, QueryPlan
from transforms.sql.window_chunks import WindowChunk
from transforms.sql.window_engine import WindowEngine

__all__ = ["QueryWindows", "WindowRows"]


class WindowRows(NamedTuple):
    """What a window gave: its rows as an Arrow IPC stream, or why there are none.

    ``number``: as in `WindowStatement`; exactly one of ``stream`` and ``failure`` is given.
    """

    number: int
    window: Interval
    stream: bytes | None
    failure: QueryFailed | None


class QueryWindows(beam.PTransform[Any, Any]):
    """Computes the windows of chunks. Gives a PCollection of one `WindowRows` a window, each in the Beam window that is its SQL window.

    Each chunk is one element, one scan and one engine; ExternalStores are read once for all of them and broadcast. A window whose
    data the statement fails on fails alone.

    Args:
        chunks: what is computed (`transforms.sql.window_chunks.cut_chunks`).
        external: the ExternalStores that are read for all chunks.
        limits: of each engine.
    """

    def __init__(self, chunks: Sequence[WindowChunk], external: Sequence[ExternalRead], limits: EngineLimits | None = None) -> None:
        super().__init__()
        self._chunks = chunks
        self._external = tuple(external)
        self._limits = limits or EngineLimits()

    def expand(self, begin: PBegin) -> PCollection[WindowRows]:
        chunks = begin | "Chunks" >> beam.Create(list(self._chunks)).with_output_types(WindowChunk)
        if len(self._chunks) > 1:
            # Without the shuffle all chunks would be fused into one bundle of one worker.
            chunks = chunks | "Spread" >> beam.Reshuffle()
        step = beam.ParDo(_Windows(self._limits))
        if self._external:
            times = Interval(min(chunk.span.start for chunk in self._chunks), max(chunk.span.end for chunk in self._chunks))
            first = self._chunks[0].plan
            reads = dataclasses.replace(first, scan=dataclasses.replace(first.scan, times=times), external=self._external)
            tables = external_tables(chunks, reads, self._limits)
            step = beam.ParDo(_Windows(self._limits), AsDict(tables))
        rows: PCollection[WindowRows] = chunks | "Compute windows" >> step.with_output_types(WindowRows)
        return rows | "SQL time windows" >> InOwnSqlTimeWindow()  # type: ignore[no-any-return]


class _Windows(beam.DoFn):
    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self._rows = Metrics.counter("logsluice", "log_rows_read")
        self._files = Metrics.counter("logsluice", "files_read")
        self._windows = Metrics.counter("logsluice", "sql_time_windows")
        self._plan: QueryPlan | None = None
        self._engine: WindowEngine | None = None

    def teardown(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def process(self, chunk: WindowChunk, tables: dict[str, bytes] | None = None) -> Iterable[WindowRows]:
        with portable_errors():
            engine = self._engine_for(chunk.plan, tables or {})
            spans = {number: window for number, window, _ in chunk.windows}
            for number, result in engine.results(chunk):
                if isinstance(result, QueryFailed):
                    yield WindowRows(number, spans[number], None, result)
                else:
                    yield WindowRows(number, spans[number], to_stream(result), None)
        self._rows.inc(sum(file.rows for file in chunk.files))
        self._files.inc(len(chunk.files))
        self._windows.inc(len(chunk.windows))

    def _engine_for(self, plan: QueryPlan, tables: dict[str, bytes]) -> WindowEngine:
        """One engine serves all chunks of one plan that this worker gets."""
        if self._engine is None or plan != self._plan:
            self.teardown()
            external = {name: from_stream(stream) for name, stream in tables.items()}
            self._engine, self._plan = WindowEngine(plan, external, self._limits), plan
        return self._engine
