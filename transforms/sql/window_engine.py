"""Computes the windows of a chunk: its logs are copied into the engine once, and the statement runs over a part of the copy for each.

Each window gets the very statement of a single run over exactly its logs, so it gives the same rows, whatever the statement is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from transforms.core.errors import QueryFailed
from transforms.core.interval import Interval
from transforms.sql.engine import Engine
from transforms.sql.execute import PlanEngine, named_as_planned, run_explained
from transforms.sql.scan import LogScan, RawColumns, ScanColumn, quoted
from transforms.sql.window_chunks import WindowChunk, files_of

__all__ = ["WindowEngine"]

_COPY = "~chunk"
_AT = "~at"
"""The event time beside the statement's columns."""


class WindowEngine(PlanEngine):
    """An engine for the chunks of one plan (`transforms.sql.window_chunks.shared_plan`)."""

    def results(self, chunk: WindowChunk) -> Iterator[tuple[int, Any]]:
        """Each window's number with its rows, an Arrow table, or with the QueryFailed that its data caused; in order."""
        define = self._defined_by(chunk)
        try:
            for number, window, sql in chunk.windows:
                yield number, self._result(define, window, sql)
        finally:
            self._engine.drop(_COPY)

    def _result(self, define: Callable[[Interval], None], window: Interval, sql: str) -> Any:
        try:
            define(window)
            return named_as_planned(self._plan, run_explained(self._engine, sql, Engine.run))
        except QueryFailed as failure:
            return failure

    def _defined_by(self, chunk: WindowChunk) -> Callable[[Interval], None]:
        """What makes ``"~log"`` the logs of a window."""
        if not self._plan.reads_log:
            return lambda _window: None
        if len(chunk.windows) == 1 or chunk.share > 1:
            return lambda window: self._define(replace(self._plan.scan, times=window), files_of(chunk.files, window))
        try:
            self._copy(chunk)
        except QueryFailed:
            # The logs do not fit together, or one of them stands in the way of all: each window for itself.
            return lambda window: self._define(replace(self._plan.scan, times=window), files_of(chunk.files, window))
        columns = ", ".join(quoted(column.name) for column in self._plan.scan.columns) or '1 as "~row"'
        part = f"select {columns} from {quoted(_COPY)} where {quoted(_AT)}"
        return lambda window: self._engine.define_log(f"{part} >= {window.start} and {quoted(_AT)} < {window.end}")

    def _define(self, scan: LogScan, files: Sequence[Any]) -> None:
        for name, table in scan.tables(files).items():
            self._engine.define_table(name, table)
        self._engine.define_log(scan.relation(files))

    def _copy(self, chunk: WindowChunk) -> None:
        scan = self._plan.scan
        time = ScanColumn(_AT, RawColumns((), has_overflow=False).time())
        scan = replace(scan, times=chunk.span, columns=(*scan.columns, time))
        for name, table in scan.tables(chunk.files).items():
            self._engine.define_table(name, table)
        # By time, so that a window reads its part of the copy only.
        order = "" if chunk.in_order else f" order by {quoted(_AT)}"
        self._engine.keep(_COPY, f"{scan.relation(chunk.files)}{order}")
