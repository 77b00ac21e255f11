"""A statement from its text to its rows: what the command line, the pipeline and the demo share. Imports no Beam."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from contextlib import closing
from typing import Any

from pipelines.home import Home
from transforms.connectors import open_external_store, open_logstore
from transforms.connectors.external_tables import load_external_table
from transforms.core.errors import NotFound
from transforms.core.interval import Interval
from transforms.core.moments import parse_moment, parse_zone
from transforms.sql.engine import EngineLimits
from transforms.sql.execute import PlanEngine, run_whole, select_keys
from transforms.sql.plan import ExternalRead, QueryPlan
from transforms.sql.planner import PlanOptions, Surroundings, plan_query
from transforms.sql.result import QueryResult, Rows
from transforms.stores.external_store import Column, ExternalStoreDescriptor, TableSize
from transforms.stores.logstore import LogstoreDescriptor, Snapshot

__all__ = ["interval_of", "plan_statement", "rows_written_table", "run_in_process", "run_to_table", "surroundings_of"]


def surroundings_of(home: Home, project: str, logstore: str) -> Surroundings:
    """What the planner may ask of a home. Raises NotFound with the nearest name."""
    catalogue = home.catalogue()
    descriptor = catalogue.logstore(project, logstore)
    names = catalogue.list_external_stores(project).names

    def snapshot(times: Interval) -> Snapshot:
        return open_logstore(descriptor).snapshot(times)

    def external(name: str) -> ExternalStoreDescriptor | None:
        exact = name if name in names else next((known for known in names if known.casefold() == name.casefold()), None)
        return None if exact is None else catalogue.external_store(project, exact)

    def target(name: str) -> LogstoreDescriptor | None:
        try:
            return catalogue.logstore(project, name)
        except NotFound:
            return None

    return Surroundings(descriptor, snapshot, external, names, _columns, _size, target)


def _columns(descriptor: ExternalStoreDescriptor) -> tuple[Column, ...]:
    store = open_external_store(descriptor)
    try:
        return store.columns()
    finally:
        store.close()


def _size(descriptor: ExternalStoreDescriptor) -> TableSize:
    store = open_external_store(descriptor)
    try:
        return store.size()
    finally:
        store.close()


def interval_of(start: str | None, end: str | None, now_us: int, time_zone: str) -> Interval:
    """``[start, end)`` in Unix seconds from two texts; a missing one does not limit."""
    zone = parse_zone(time_zone)
    return Interval.of(*(None if text is None else parse_moment(text, now_us, zone) for text in (start, end)))


def plan_statement(home: Home, project: str, logstore: str, text: str, times: Interval, options: PlanOptions) -> QueryPlan:
    """The plan of a statement over a Logstore of a home."""
    return plan_query(text, times, surroundings_of(home, project, logstore), options)


def run_in_process(
    plan: QueryPlan, *, now_seconds: int, limits: EngineLimits | None = None, note: Callable[[str], None] = lambda _text: None
) -> QueryResult:
    """Run a plan in this process: ExternalStores into Arrow, one engine call, then the insert if there is one.

    ``note`` is told what is being done. Raises QueryFailed, StoreUnavailable, StoreRejected.
    """
    started = time.monotonic()
    external = _external_tables(plan, limits, note)
    if plan.reads_log:
        note(f"reading {plan.rows_to_read:,} logs in {len(plan.files)} files")
    rows = run_whole(plan, external, limits)
    if plan.insert is not None:
        note(f"writing {len(rows):,} rows to {plan.insert.name}")
        rows = Rows(values=[(_insert(plan, rows.table, now_seconds),)])
    return QueryResult(rows, plan.rows_to_read, time.monotonic() - started)


def run_to_table(plan: QueryPlan, limits: EngineLimits | None = None) -> Any:
    """The rows of a select as an Arrow table, computed in this process; errors as `run_in_process`."""
    with closing(PlanEngine(plan, _external_tables(plan, limits), limits)) as engine:
        return engine.run(plan.files, plan.sql).rename_columns([column.name for column in plan.output])


def _external_tables(
    plan: QueryPlan, limits: EngineLimits | None, note: Callable[[str], None] = lambda _text: None
) -> MutableMapping[str, Any]:
    external: dict[str, Any] = {}
    for read in plan.external:
        note(f"reading ExternalStore {read.descriptor.name}")
        external[read.descriptor.name] = _load(plan, read, limits)
    return external


def _load(plan: QueryPlan, read: ExternalRead, limits: EngineLimits | None) -> Any:
    keys = None if read.keys is None else select_keys(plan, plan.files, read, limits)
    return load_external_table(read.descriptor, read.columns, read.conditions_with(keys))


def _insert(plan: QueryPlan, table: Any, now_seconds: int) -> int:
    assert plan.insert is not None
    if plan.insert.logstore is not None:
        from transforms.sql.result_logs import logs_of_rows

        group = logs_of_rows(table, plan.insert.columns, now_seconds)
        if group.num_rows:
            open_logstore(plan.insert.logstore).append([group])
        return group.num_rows
    assert plan.insert.external is not None
    store = open_external_store(plan.insert.external)
    try:
        return store.write(table.to_batches())
    finally:
        store.close()


def rows_written_table(rows: int) -> Any:
    """The answer to an insert: one row, column ``rows``."""
    import pyarrow as pa

    return pa.table({"rows": pa.array([rows], pa.int64())})
