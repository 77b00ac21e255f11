"""QueryLogsBeamSql: a planned statement on Beam's own SQL: scan tasks → rows in the time window → SqlTransform → finish."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any, Optional, cast

import apache_beam as beam
import grpc  # type: ignore[import-untyped]
from apache_beam.metrics import Metrics
from apache_beam.portability import common_urns
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.transforms.environments import expand_anyof_environments
from apache_beam.transforms.external import ExpansionAndArtifactRetrievalStub
from apache_beam.transforms.sql import SqlTransform
from apache_beam.transforms.window import FixedWindows, GlobalWindows, TimestampedValue
from apache_beam.typehints.row_type import RowTypeConstraint

from transforms.core.arrow_stream import from_stream, to_stream
from transforms.core.error_transport import portable_errors
from transforms.core.interval import Interval
from transforms.query_logs import join_keys
from transforms.read_external_store import ReadExternalStore
from transforms.sql.beam_sql import BeamColumn, BeamInput, BeamSql
from transforms.sql.engine import EngineLimits
from transforms.sql.execute import PlanEngine, finish_beam
from transforms.sql.plan import ExternalRead, QueryPlan, ScanTask
from transforms.sql.scan import LOG

__all__ = ["QueryLogsBeamSql"]

_BATCH_ROWS = 50_000
_TYPES: dict[str, Any] = {"varchar": str, "bigint": int, "double": float, "boolean": bool}


class QueryLogsBeamSql(beam.PTransform[Any, Any]):
    """Runs a plan that was made for the engine ``beam-sql``. Gives what QueryLogs gives: one element, the result as an Arrow IPC stream.

    The rows of the Logstore and of the ExternalStores stand in one window, the plan's interval, when that has a start and an end;
    an ORDER BY inside Beam SQL wants the global window, which then holds the same rows.

    Args:
        plan: with ``plan.beam``.
        service: address of the Java service that expands SqlTransform, ``host:port``.
        limits: of the embedded engine, which reads the files.
        seconds: the service may take to plan the statement.
    """

    def __init__(self, plan: QueryPlan, service: str, limits: EngineLimits | None = None, *, seconds: float = 600.0) -> None:
        super().__init__()
        assert plan.beam is not None
        self._plan = plan
        self._beam: BeamSql = plan.beam
        self._service = service
        self._limits = limits or EngineLimits()
        self._seconds = seconds

    def expand(self, begin: PBegin) -> PCollection[bytes]:
        # Workers get the files of their own tasks, not the whole list with every bundle.
        plan = dataclasses.replace(self._plan, files=(), tasks=())
        tasks = begin | "Scan tasks" >> beam.Create(list(self._plan.tasks)).with_output_types(ScanTask)
        if len(self._plan.tasks) > 1:
            tasks = tasks | "Spread" >> beam.Reshuffle()
        inputs = {each.name: self._input(begin, tasks, plan, each) for each in self._beam.inputs}
        rows = inputs | "Beam SQL" >> SqlTransform(self._beam.sql, expansion_service=_Expansion(self._service, self._seconds))
        tables = (
            rows
            | "Leave the window" >> beam.WindowInto(GlobalWindows())
            | "Batch" >> beam.BatchElements(min_batch_size=1_000, max_batch_size=_BATCH_ROWS)
            | "To columns" >> beam.Map(_to_columns, self._beam.columns).with_output_types(bytes)
        )
        # A result without rows is a result too.
        none = begin | "No rows" >> beam.Create([_to_columns([], self._beam.columns)])
        result: PCollection[bytes] = (
            (tables, none)
            | "All rows" >> beam.Flatten()
            | "To one place" >> beam.WithKeys(0).with_output_types(tuple[int, bytes])
            | "Gather" >> beam.GroupByKey()
            | "Finish" >> beam.ParDo(_Finish(plan, self._limits)).with_output_types(bytes)
        )
        return result

    def _input(self, begin: PBegin, tasks: PCollection[ScanTask], plan: QueryPlan, each: BeamInput) -> PCollection[Any]:
        label = f"Rows of {each.name}"
        source: PCollection[Any]
        make: beam.DoFn
        if each.relation == LOG:
            source, make = tasks, _LogRows(plan, each, self._limits)
        elif each.relation:
            read = next(read for read in plan.external if each.relation == f"~ext:{read.descriptor.name}")
            source, make = self._table(begin, tasks, plan, read), _StoreRows(plan, each, read, self._limits)
        else:
            source, make = begin | "Once" >> beam.Create([None]), _ExtraRow(each)
        rows: PCollection[Any] = source | label >> beam.ParDo(make).with_output_types(_row_type(each.columns))
        times = plan.times
        if self._beam.ordered or not (times.has_start and times.has_end):
            return rows
        stamped = rows | f"Time of {each.name}" >> beam.Map(TimestampedValue, times.start).with_output_types(_row_type(each.columns))
        windowed: PCollection[Any] = stamped | f"Window of {each.name}" >> beam.WindowInto(_window(times))
        return windowed

    def _table(self, begin: PBegin, tasks: PCollection[ScanTask], plan: QueryPlan, read: ExternalRead) -> PCollection[bytes]:
        source = begin if read.keys is None else join_keys(tasks, plan, read, self._limits)
        table: PCollection[bytes] = source | f"Read ExternalStore '{read.descriptor.name}'" >> ReadExternalStore(read)
        return table


class _Expansion:
    """An expansion service, asked with a time limit.

    A worker of this machine that runs beside it (a loopback worker) has the service's jar already. Beam would still have it hashed and
    fetch it, 200 MB for every statement: so of the environments that a service here offers, just that worker's is kept, without files.
    """

    def __init__(self, address: str, seconds: float) -> None:
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._stub = ExpansionAndArtifactRetrievalStub(grpc.insecure_channel(address, options=unlimited))
        self._seconds = seconds
        self._local = address.rpartition(":")[0] in ("localhost", "127.0.0.1", "[::1]")

    def Expand(self, request: Any) -> Any:  # noqa: N802  (Beam's name)
        """What `ExternalTransform` calls. Raises grpc.RpcError."""
        response = self._stub.Expand(request, timeout=self._seconds)
        for environment in response.components.environments.values() if self._local else ():
            offered = [each for each in expand_anyof_environments(environment) if each.urn == common_urns.environments.EXTERNAL.urn]
            if offered:
                environment.CopyFrom(offered[0])
                del environment.dependencies[:]
        return response

    def artifact_service(self) -> Any:
        """Where other workers' jars come from."""
        return self._stub.artifact_service()


class _LogRows(beam.DoFn):
    """A scan task's logs as rows: only the columns Beam SQL asks for, of the logs in the time range that the search finds."""

    def __init__(self, plan: QueryPlan, wanted: BeamInput, limits: EngineLimits) -> None:
        self._plan = plan
        self._wanted = wanted
        self._limits = limits
        self._rows = Metrics.counter("logsluice", "log_rows_read")
        self._files = Metrics.counter("logsluice", "files_read")
        self._engine: PlanEngine | None = None

    def teardown(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def process(self, task: ScanTask) -> Iterable[beam.Row]:
        with portable_errors():
            if self._engine is None:
                self._engine = PlanEngine(self._plan, {}, self._limits)
            table = self._engine.run(task.files, self._wanted.select())
        self._rows.inc(sum(file.rows for file in task.files))
        self._files.inc(len(task.files))
        yield from _rows(table)


class _StoreRows(beam.DoFn):
    def __init__(self, plan: QueryPlan, wanted: BeamInput, read: ExternalRead, limits: EngineLimits) -> None:
        self._plan = plan
        self._wanted = wanted
        self._store = read.descriptor.name
        self._limits = limits

    def process(self, stream: bytes) -> Iterable[beam.Row]:
        with portable_errors(), closing(PlanEngine(self._plan, {self._store: from_stream(stream)}, self._limits)) as engine:
            table = engine.run((), self._wanted.select())
        yield from _rows(table)


class _ExtraRow(beam.DoFn):
    def __init__(self, wanted: BeamInput) -> None:
        self._names = [column.name for column in wanted.columns]

    def process(self, _once: None) -> Iterable[beam.Row]:
        yield beam.Row(**dict.fromkeys(self._names, 1))


class _Finish(beam.DoFn):
    def __init__(self, plan: QueryPlan, limits: EngineLimits) -> None:
        self._plan = plan
        self._limits = limits

    def process(self, gathered: tuple[int, Iterable[bytes]]) -> Iterable[bytes]:
        tables = [from_stream(stream) for stream in gathered[1]]
        with portable_errors():
            yield to_stream(finish_beam(self._plan, tables, self._limits))


def _rows(table: Any) -> Iterable[beam.Row]:
    """Rows of an Arrow table, one batch of them in memory at a time."""
    names = table.column_names
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield beam.Row(**dict(zip(names, values, strict=True)))


def _window(times: Interval) -> FixedWindows:
    """Windows one of which is the interval."""
    length = times.end - times.start
    return FixedWindows(length, offset=times.start % length)


def _row_type(columns: Sequence[BeamColumn]) -> RowTypeConstraint:
    return RowTypeConstraint.from_fields([(column.name, cast(Any, Optional[_type(column.kind)])) for column in columns])  # noqa: UP045


def _type(kind: str) -> Any:
    return Sequence[Optional[_TYPES[kind[6:-1]]]] if kind.startswith("array(") else _TYPES[kind]  # type: ignore[misc]  # noqa: UP045


def _to_columns(rows: Sequence[Any], columns: Sequence[BeamColumn]) -> bytes:
    """Rows of Beam SQL's result as an Arrow IPC stream."""
    import pyarrow as pa

    types: dict[str, Any] = {"varchar": pa.string(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_()}
    types |= {f"array({name})": pa.list_(kind) for name, kind in types.items()}
    arrays = [pa.array([row[place] for row in rows], types[column.kind]) for place, column in enumerate(columns)]
    return to_stream(pa.table(arrays, names=[column.name for column in columns]))
