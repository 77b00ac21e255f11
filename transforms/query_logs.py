"""QueryLogs: a planned `search | SQL` statement as a pipeline: scan tasks → partial results → merge."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import AsDict, PBegin, PCollection

from transforms.core.arrow_stream import from_stream, to_stream
from transforms.core.error_transport import portable_errors
from transforms.core.interval import Interval
from transforms.in_sql_time_window import InSqlTimeWindow
from transforms.read_external_store import ReadExternalStore
from transforms.sql.engine import EngineLimits
from transforms.sql.execute import PlanEngine, merge_partials, select_keys
from transforms.sql.plan import ExternalRead, QueryPlan, ScanTask

__all__ = ["QueryLogs", "external_tables", "join_keys"]


class QueryLogs(beam.PTransform[Any, Any]):
    """Runs a plan. Gives a PCollection of one element: the result as an Arrow IPC stream.

    Each scan task is one element and one engine call; ExternalStores are read once and broadcast; only partial results are
    shuffled. A plan without a merge has one task.

    Args:
        plan: what is run.
        limits: of each engine call.
        window: an SQL time window ``[from, to)``, Unix seconds: scan tasks, partial results and the result are elements of this one
            Beam window. None: the global window.
    """

    def __init__(self, plan: QueryPlan, limits: EngineLimits | None = None, *, window: Interval | None = None) -> None:
        super().__init__()
        self._plan = plan
        self._limits = limits or EngineLimits()
        self._window = window

    def expand(self, begin: PBegin) -> PCollection[bytes]:
        # Workers get the files of their own tasks, not the whole list with every bundle.
        plan = dataclasses.replace(self._plan, files=(), tasks=())
        tasks = begin | "Scan tasks" >> beam.Create(list(self._plan.tasks)).with_output_types(ScanTask)
        if self._window is not None:
            tasks = tasks | "SQL time window" >> InSqlTimeWindow(self._window)
        if len(self._plan.tasks) > 1:
            # Without the shuffle all tasks would be fused into one bundle of one worker.
            tasks = tasks | "Spread" >> beam.Reshuffle()
        scan = beam.ParDo(_Scan(plan, self._limits))
        if plan.external:
            tables = external_tables(tasks, plan, self._limits)
            scan = beam.ParDo(_Scan(plan, self._limits), AsDict(tables))
        partials: PCollection[bytes] = tasks | "Scan" >> scan.with_output_types(bytes)
        if len(self._plan.tasks) == 1:
            # Nothing to bring together.
            return partials | "Merge" >> beam.Map(_alone, plan).with_output_types(bytes)  # type: ignore[no-any-return]
        result: PCollection[bytes] = (
            partials
            | "To one place" >> beam.WithKeys(0).with_output_types(tuple[int, bytes])
            | "Gather" >> beam.GroupByKey()
            | "Merge" >> beam.ParDo(_Merge(plan, self._limits)).with_output_types(bytes)
        )
        return result


def external_tables(tasks: PCollection[Any], plan: QueryPlan, limits: EngineLimits) -> PCollection[tuple[str, bytes]]:
    """The ExternalStores of a plan, each read once: (name, Arrow IPC stream) pairs, to be broadcast.

    ``tasks`` are what will be scanned: elements with ``files``, where join keys are looked for that are worth pushing.
    """
    tables: PCollection[tuple[str, bytes]] = [_table(tasks, plan, read, limits) for read in plan.external] | "Tables" >> beam.Flatten()
    return tables


def _table(tasks: PCollection[Any], plan: QueryPlan, read: ExternalRead, limits: EngineLimits) -> PCollection[tuple[str, bytes]]:
    name = read.descriptor.name
    source = PBegin(tasks.pipeline) if read.keys is None else join_keys(tasks, plan, read, limits)
    table = source | f"Read ExternalStore '{name}'" >> ReadExternalStore(read)
    named: PCollection[tuple[str, bytes]] = table | f"Name '{name}'" >> beam.WithKeys(name).with_output_types(tuple[str, bytes])
    return named


def join_keys(tasks: PCollection[Any], plan: QueryPlan, read: ExternalRead, limits: EngineLimits) -> PCollection[list[Any]]:
    """The distinct join keys in all tasks' logs, one list, for a reading that is pushed to the database by key."""
    name = read.descriptor.name
    keys: PCollection[list[Any]] = (
        tasks
        | f"Join keys for '{name}'" >> beam.ParDo(_Keys(plan, read, limits))
        | f"Keys to one place for '{name}'" >> beam.WithKeys(0)
        | f"Gather keys for '{name}'" >> beam.GroupByKey()
        | f"Distinct keys for '{name}'" >> beam.Map(_distinct)
    )
    return keys


class _Scan(beam.DoFn):
    def __init__(self, plan: QueryPlan, limits: EngineLimits) -> None:
        self._plan = plan
        self._limits = limits
        self._rows = Metrics.counter("logsluice", "log_rows_read")
        self._files = Metrics.counter("logsluice", "files_read")
        self._engine: PlanEngine | None = None

    def teardown(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def process(self, task: ScanTask, tables: dict[str, bytes] | None = None) -> Iterable[bytes]:
        with portable_errors():
            if self._engine is None:
                # One engine serves all tasks that this worker gets: the tables are decoded and joined from memory again and again.
                external = {name: from_stream(stream) for name, stream in (tables or {}).items()}
                self._engine = PlanEngine(self._plan, external, self._limits)
            result = self._engine.run(task.files, self._plan.phases.task_sql)
        self._rows.inc(sum(file.rows for file in task.files))
        self._files.inc(len(task.files))
        yield to_stream(result)


class _Merge(beam.DoFn):
    def __init__(self, plan: QueryPlan, limits: EngineLimits) -> None:
        self._plan = plan
        self._limits = limits

    def process(self, gathered: tuple[int, Iterable[bytes]]) -> Iterable[bytes]:
        partials = [from_stream(partial) for partial in gathered[1]]
        with portable_errors():
            merged = merge_partials(self._plan, partials, self._limits)
        yield to_stream(merged)


class _Keys(beam.DoFn):
    def __init__(self, plan: QueryPlan, read: ExternalRead, limits: EngineLimits) -> None:
        self._plan = plan
        self._read = read
        self._limits = limits

    def process(self, task: ScanTask) -> Iterable[list[Any]]:
        with portable_errors():
            keys = select_keys(self._plan, task.files, self._read, self._limits)
        yield keys


def _alone(partial: bytes, plan: QueryPlan) -> bytes:
    with portable_errors():
        return to_stream(merge_partials(plan, [from_stream(partial)]))


def _distinct(gathered: tuple[int, Iterable[list[Any]]]) -> list[Any]:
    return list(dict.fromkeys(key for keys in gathered[1] for key in keys))
