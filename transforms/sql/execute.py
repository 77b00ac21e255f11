"""Run a plan's statements on the embedded engine: whole and in process, or one phase of it on a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transforms.core.errors import QueryFailed
from transforms.sql.engine import Engine, EngineLimits
from transforms.sql.failures import explain_failure
from transforms.sql.functions.prelude import install
from transforms.sql.phases import PARTIAL
from transforms.sql.plan import ExternalRead, QueryPlan, ScanTask, external_name
from transforms.sql.result import PLAIN_TYPES, Rows
from transforms.stores.logstore import DataFile

__all__ = ["merge_partials", "run_task", "run_whole", "select_keys", "with_output_names"]


def run_whole(plan: QueryPlan, external: Mapping[str, Any], limits: EngineLimits | None = None) -> Rows:
    """The whole statement over all files, in one engine call. ``external``: store → Arrow table.

    Few rows of plain types come as Python values: that spares a process that reads no ExternalStore the import of Arrow.
    """
    if plan.insert is None and all(column.sql_type.partition("(")[0] in PLAIN_TYPES for column in plan.output):
        rows: Rows = _run(plan, plan.files, plan.sql, external, limits, Engine.rows)
        return rows
    return Rows(with_output_names(plan, _run(plan, plan.files, plan.sql, external, limits)))


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
        return with_output_names(plan, _explained(engine, plan.phases.merge_sql, Engine.run))
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


def _run(
    plan: QueryPlan, files: Sequence[DataFile], sql: str, external: Mapping[str, Any], limits: EngineLimits | None,
    fetch: Callable[[Engine, str], Any] = Engine.run,
) -> Any:  # fmt: skip
    engine = Engine(plan.settings, limits)
    try:
        install(engine.connection, plan.functions)
        if plan.reads_log:
            for name, table in plan.scan.tables(files).items():
                engine.define_table(name, table)
            engine.define_log(plan.scan.relation(files))
        for name, table in external.items():
            engine.define_table(external_name(name), table)
        return _explained(engine, sql, fetch)
    finally:
        engine.close()


def _explained(engine: Engine, sql: str, fetch: Callable[[Engine, str], Any]) -> Any:
    try:
        return fetch(engine, sql)
    except QueryFailed as failure:
        if failure.code != QueryFailed.default_code:
            raise
        raise explain_failure(failure.message) from failure
