"""From a statement to its plan. Nothing is read but names, file lists and estimates; the data stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from transforms.core.errors import Location, ParameterInvalid, StatementError
from transforms.core.field_columns import TAG_PREFIX
from transforms.core.interval import Interval
from transforms.sql.analysis import Analysis, analyse
from transforms.sql.beam_sql_translation import translate_for_beam
from transforms.sql.phases import PARTIAL, Phases, split_phases
from transforms.sql.plan import ExternalRead, InsertInto, KeyPush, OutputColumn, QueryPlan, ScanTask
from transforms.sql.rewrite_labels import label_column, pick_labels
from transforms.sql.scan import LOG, LogScan, RawColumns, ScanColumn, quoted
from transforms.sql.scope import ABSENT, Absent, LogColumn, Scope, log_columns_of, metric_columns
from transforms.sql.search.compile import SearchPredicate, compile_search
from transforms.sql.search.describe import describe
from transforms.sql.search.parse import parse_search
from transforms.sql.statement import Statement, split_statement
from transforms.stores.external_store import Column, ExternalStoreDescriptor, TableSize
from transforms.stores.index import Index
from transforms.stores.logstore import DataFile, LogstoreDescriptor, Snapshot
from transforms.stores.metricstore import LABELS

__all__ = ["PlanOptions", "SqlEngine", "Surroundings", "plan_query"]

SqlEngine = Literal["embedded", "beam-sql"]
"""What runs a statement: columns in the workers, or Beam's own SqlTransform."""

BIG_STORE_ROWS = 1_000_000
"""From here on an ExternalStore is read by join keys when the logs have few."""
MOST_PUSHED_KEYS = 10_000
TASK_BYTES = 1024 * 1024 * 1024
"""Compressed bytes of one scan task: some seconds of work, so that starting one costs little beside it."""
ADVISED_STORE_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class Surroundings:
    """What the planner may ask, each answer from where it is kept.

    Attributes:
        logstore: the source.
        snapshot: its files for an interval of ``__time__``.
        external: name → ExternalStore, None when there is none; ``external_names``: all of them.
        external_columns, external_size: of the remote table.
        target_logstore: name → Logstore, None when there is none.
    """

    logstore: LogstoreDescriptor
    snapshot: Callable[[Interval], Snapshot]
    external: Callable[[str], ExternalStoreDescriptor | None]
    external_names: tuple[str, ...]
    external_columns: Callable[[ExternalStoreDescriptor], tuple[Column, ...]]
    external_size: Callable[[ExternalStoreDescriptor], TableSize]
    target_logstore: Callable[[str], LogstoreDescriptor | None]


@dataclass(frozen=True)
class PlanOptions:
    """What the user may set.

    Attributes:
        time_zone: of timestamps.
        now_us: the statement's moment, microseconds.
        limit, offset: of a search without SQL: raw logs, newest first.
        default_limit: rows of a select without LIMIT; None = no limit.
        least_tasks: scan tasks to aim at, at least, when the files allow.
        engine: what will run the statement; ``beam-sql`` refuses statements that Beam's own SQL cannot run.
    """

    time_zone: str = "+08:00"
    now_us: int = 0
    limit: int = 100
    offset: int = 0
    default_limit: int | None = 100
    least_tasks: int = 1
    engine: SqlEngine = "embedded"


def plan_query(text: str, times: Interval, around: Surroundings, options: PlanOptions) -> QueryPlan:
    """The plan of a statement over ``[times.start, times.end)``.

    Raises StatementError with a location for what the statement gets wrong; ParameterInvalid with code ``InvalidTimeRange``.
    """
    if times.start >= times.end:
        raise ParameterInvalid(
            "the time range is empty: from must be before to", hint="a range is half open: [from, to)", code="InvalidTimeRange"
        )
    statement = split_statement(text)
    search = parse_search(statement)
    snapshot = around.snapshot(times)
    raw = RawColumns(snapshot.fields, snapshot.has_overflow)
    predicate = compile_search(search, around.logstore.index, raw)
    if statement.sql is None:
        if options.engine == "beam-sql":
            raise _no_sql(statement)
        return _plan_search(statement, describe(search), predicate, raw, snapshot, times, around, options)
    if options.offset:
        raise ParameterInvalid("offset is not available for pagination in sql query, please use limit x,y syntax")
    scope = _scope(around, snapshot, times, options)
    analysis = analyse(statement, scope)
    columns = {column.name: column for column in scope.log_columns}
    # Beam SQL's translation, below, knows the columns of the scope alone.
    tree, names, labels = pick_labels(analysis.tree, analysis.log_columns, pick=options.engine == "embedded")
    read = [ScanColumn(name, _expression(raw, columns[name])) for name in sorted(names)]
    read += [ScanColumn(label_column(key), raw.label(LABELS, key)) for key in labels]
    scan = _scan(raw, predicate, times, read, snapshot)
    external, reasons, warnings = _external(analysis, around)
    beam = translate_for_beam(analysis, scope) if options.engine == "beam-sql" else None
    phases = split_phases(tree)
    reads_log = analysis.reads_log
    files = snapshot.files if reads_log else ()
    # Beam SQL takes rows from any number of tasks.
    split = beam is not None or phases.merge_sql is not None
    return QueryPlan(
        statement=text,
        search=describe(search),
        sql=tree.sql(dialect="duckdb"),
        kind=analysis.kind,
        logstore=around.logstore.name,
        version=snapshot.version,
        received_us=snapshot.received[1],
        times=times,
        scan=scan,
        files=files,
        files_total=snapshot.files_total,
        rows_total=snapshot.rows_total,
        external=external,
        phases=phases,
        tasks=_tasks(files, options.least_tasks if split else 1, split=split),
        output=tuple(OutputColumn(column.name, column.sql_type) for column in analysis.output),
        insert=_insert(analysis, around),
        settings=dict(analysis.settings),
        functions=analysis.uses,
        reads_log=reads_log,
        fills_times=analysis.fills_times,
        reasons=(phases.reason, *reasons),
        warnings=(*predicate.warnings, *analysis.warnings, *warnings),
        beam=beam,
    )


def _no_sql(statement: Statement) -> StatementError:
    return StatementError(
        "a search without SQL cannot run on the engine beam-sql",
        hint="the embedded engine can: leave --sql-engine away; or add | select …",
        location=Location(statement.text, 0, len(statement.text)),
        code="BeamSqlUnsupported",
    )


def _plan_search(
    statement: Statement, canonical: str, predicate: SearchPredicate, raw: RawColumns, snapshot: Snapshot,
    times: Interval, around: Surroundings, options: PlanOptions,
) -> QueryPlan:  # fmt: skip
    """Raw logs, newest first, a page of them."""
    if options.limit < 0 or options.offset < 0:
        raise ParameterInvalid("limit and offset cannot be negative")
    names = [name for name in snapshot.fields if not name.startswith(TAG_PREFIX)]
    tags = [name for name in snapshot.fields if name.startswith(TAG_PREFIX)]
    shown = ["__time__", *[name for name in ("__topic__", "__source__") if name in names], *tags]
    shown += [name for name in names if name not in shown]
    columns = [ScanColumn("~c0", raw.time()), ScanColumn("~ns", raw.time_ns())]
    columns += [ScanColumn(f"~c{i}", raw.text(name)) for i, name in enumerate(shown) if i]
    overflow = raw.overflow()
    if overflow is not None:
        columns.append(ScanColumn(f"~c{len(shown)}", overflow))
        shown.append("~overflow")
    outputs = ", ".join(quoted(f"~c{i}") for i in range(len(shown)))
    order = 'order by "~c0" desc, "~ns" desc'
    task = f'select {outputs}, "~ns" from {quoted(LOG)} {order} limit {options.limit + options.offset}'
    page = f"{order} limit {options.limit} offset {options.offset}"
    whole = f"select {outputs} from {quoted(LOG)} {page}"
    return QueryPlan(
        statement=statement.text,
        search=canonical,
        sql=whole,
        kind="search",
        logstore=around.logstore.name,
        version=snapshot.version,
        received_us=snapshot.received[1],
        times=times,
        scan=_scan(raw, predicate, times, columns, snapshot),
        files=snapshot.files,
        files_total=snapshot.files_total,
        rows_total=snapshot.rows_total,
        external=(),
        phases=Phases(
            task, f"select {outputs} from {quoted(PARTIAL)} {page}", "each task keeps its newest logs; the newest of all are merged"
        ),
        tasks=_tasks(snapshot.files, options.least_tasks, split=True),
        output=tuple(OutputColumn(name, "bigint" if i == 0 else "varchar") for i, name in enumerate(shown)),
        reasons=(f"raw logs, newest first, {options.limit} at most",),
        warnings=predicate.warnings,
    )


def _scope(around: Surroundings, snapshot: Snapshot, times: Interval, options: PlanOptions) -> Scope:
    index, metrics = around.logstore.index, around.logstore.telemetry == "metrics"

    def columns_of(name: str) -> tuple[Column, ...] | None:
        store = around.external(name)
        return None if store is None else around.external_columns(store)

    def target(name: str) -> Index | Absent | None:
        store = around.target_logstore(name)
        return ABSENT if store is None else store.index

    return Scope(
        logstore=around.logstore.name,
        log_columns=metric_columns() if metrics else _distinct(log_columns_of(index, snapshot.fields)),
        external=columns_of,
        external_names=around.external_names,
        target_index=target,
        time_zone=options.time_zone,
        interval=times,
        now_us=options.now_us,
        strict=index is not None,
        default_limit=options.default_limit,
        telemetry=around.logstore.telemetry,
    )


def _distinct(columns: Sequence[LogColumn]) -> tuple[LogColumn, ...]:
    """SQL compares names without case: of two fields that differ only in case the later one is reached as ``NAME_2``."""
    taken: set[str] = set()
    out = []
    for column in columns:
        name, number = column.name, 2
        while name.casefold() in taken:
            name, number = f"{column.name}_{number}", number + 1
        taken.add(name.casefold())
        out.append(LogColumn(name, column.sql_type, column.field, column.analysable, column.kind, column.leaf))
    return tuple(out)


def _scan(raw: RawColumns, predicate: SearchPredicate, times: Interval, columns: Sequence[ScanColumn], snapshot: Snapshot) -> LogScan:
    return LogScan(
        columns=tuple(columns),
        physical=tuple(raw.physical.items()),
        typed=tuple(raw.typed),
        predicate="" if predicate.matches_all else predicate.sql,
        times=times,
        has_overflow=snapshot.has_overflow,
        known=frozenset(snapshot.fields),
        access=snapshot.access,
    )


def _expression(raw: RawColumns, column: LogColumn) -> str:
    if column.kind == "time":
        return raw.time()
    if column.kind == "receive_time":
        return raw.receive_time()
    if column.leaf is not None:
        text = raw.leaf(column.field, column.leaf)
        return text if column.sql_type == "varchar" else f"try_cast({text} as {column.sql_type})"
    if column.kind == "labels":
        return raw.labels(column.field)
    if column.kind in ("long", "double"):
        return raw.number(column.field, column.kind)
    return raw.text(column.field)


def _external(analysis: Analysis, around: Surroundings) -> tuple[tuple[ExternalRead, ...], list[str], list[str]]:
    reads, reasons, warnings = [], [], []
    for use in analysis.external:
        store = around.external(use.name)
        assert store is not None  # the analysis has seen its columns
        size = around.external_size(store)
        keys = None
        if size.rows is not None and size.rows > BIG_STORE_ROWS and use.join_keys:
            column, log_column = use.join_keys[0]
            key = quoted(log_column)
            keys = KeyPush(column, f"select distinct {key} from {quoted(LOG)} where {key} is not null", MOST_PUSHED_KEYS)
            reasons.append(
                f"ExternalStore {use.name!r} has about {size.rows:,} rows: read by join key {column!r} when the logs have at most {MOST_PUSHED_KEYS:,} keys"
            )
        elif size.bytes is not None and size.bytes > ADVISED_STORE_BYTES and not use.conditions:
            warnings.append(
                f"ExternalStore {use.name!r} holds about {size.bytes // 1_048_576:,} MB and is read whole; "
                "a condition on its columns in WHERE makes the database send less"
            )
        # A statement that only counts rows needs some column to carry them.
        columns = use.columns or (around.external_columns(store)[0].name,)
        reads.append(ExternalRead(store, columns, use.conditions, keys, size.rows))
    return tuple(reads), reasons, warnings


def _insert(analysis: Analysis, around: Surroundings) -> InsertInto | None:
    target = analysis.insert
    if target is None:
        return None
    if target.is_logstore:
        return InsertInto(logstore=around.target_logstore(target.name), columns=target.columns)
    return InsertInto(external=around.external(target.name), columns=target.columns)


def _tasks(files: Sequence[DataFile], least: int, *, split: bool) -> tuple[ScanTask, ...]:
    """Files cut into tasks of about equal bytes, in order. There is always a task: an aggregate over nothing has a row."""
    total = sum(file.size for file in files)
    count = max(1, min(len(files), max(least, -(-total // TASK_BYTES)))) if split else 1
    share = total / count
    groups: list[list[DataFile]] = [[] for _ in range(count)]
    done = 0
    for file in files:
        # The middle of a file decides where it belongs, so that no group is left out by a big neighbour.
        groups[min(count - 1, int((done + file.size / 2) / share)) if share else 0].append(file)
        done += file.size
    filled = [group for group in groups if group] or [[]]
    return tuple(ScanTask(number, tuple(group)) for number, group in enumerate(filled))
