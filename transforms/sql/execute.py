"""Run a plan's statements on the embedded engine: whole and in process, or one phase of it on a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.core.errors import QueryFailed
from transforms.sql.engine import Engine, EngineLimits
from transforms.sql.failures import explain_failure
from transforms.sql.functions.prelude import install
from transforms.sql.phases import PARTIAL
from transforms.sql.plan import ExternalRead, QueryPlan, ScanTask, external_name
from transforms.stores.logstore import DataFile

__all__ = ["QueryResult", "merge_partials", "run_task", "run_whole", "select_keys", "with_output_names"]


@dataclass(frozen=True)
class QueryResult:
    """``table``: an Arrow table with the plan's output columns. ``rows_read``: logs in the files that were read."""

    table: Any
    rows_read: int
    seconds: float


def run_whole(plan: QueryPlan, external: Mapping[str, Any], limits: EngineLimits | None = None) -> Any:
    """The whole statement over all files, in one engine call. ``external``: store → Arrow table. Returns an Arrow table."""
    return with_output_names(plan, _run(plan, plan.files, plan.sql, external, limits))


def run_task(plan: QueryPlan, task: ScanTask, external: Mapping[str, Any], limits: EngineLimits | None = None) -> Any:
    """The statement of one scan task. Returns its rows, to be merged when the plan has a merge."""
    return _run(plan, task.files, plan.phases.task_sql, external, limits)


def merge_partials(plan: QueryPlan, partials: Sequence[Any], limits: EngineLimits | None = None) -> Any:
    """One result from the tasks' Arrow tables."""
    import pyarrow as pa

    if plan.phases.merge_sql is None:
        return with_output_names(plan, pa.concat_tables(partials))
    engine = Engine(plan.settings, limits)
    try:
        install(engine.connection, plan.functions)
        engine.define_table(PARTIAL, pa.concat_tables(partials, promote_options="permissive"))
        return with_output_names(plan, _explained(plan, engine, plan.phases.merge_sql))
    finally:
        engine.close()


def select_keys(plan: QueryPlan, files: Sequence[DataFile], read: ExternalRead, limits: EngineLimits | None = None) -> list[Any]:
    """The distinct join keys in some files, at most one more than the reading allows."""
    assert read.keys is not None
    keys = _run(plan, files, f"{read.keys.keys_sql} limit {read.keys.at_most + 1}", {}, limits)
    return list(keys.column(0).to_pylist())


def with_output_names(plan: QueryPlan, table: Any) -> Any:
    """The columns under the names the statement gives them; the engine may have made equal names unequal."""
    return table.rename_columns([column.name for column in plan.output])


def _run(plan: QueryPlan, files: Sequence[DataFile], sql: str, external: Mapping[str, Any], limits: EngineLimits | None) -> Any:
    engine = Engine(plan.settings, limits)
    try:
        install(engine.connection, plan.functions)
        if plan.reads_log:
            engine.define_log(plan.scan.relation(files))
        for name, table in external.items():
            engine.define_table(external_name(name), table)
        return _explained(plan, engine, sql)
    finally:
        engine.close()


def _explained(plan: QueryPlan, engine: Engine, sql: str) -> Any:
    try:
        return engine.run(sql)
    except QueryFailed as failure:
        if failure.code != QueryFailed.default_code:
            raise
        raise explain_failure(failure.message) from failure
