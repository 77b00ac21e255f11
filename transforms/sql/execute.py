"""Run a plan's statements on the embedded engine: whole and in process, or one phase of it on a worker."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from contextlib import closing
from typing import Any

from transforms.core.errors import QueryFailed
from transforms.sql.beam_sql import RESULT
from transforms.sql.engine import Engine, EngineLimits
from transforms.sql.failures import explain_failure
from transforms.sql.functions.prelude import install
from transforms.sql.phases import PARTIAL
from transforms.sql.plan import ExternalRead, QueryPlan, external_name
from transforms.sql.result import PLAIN_TYPES, Rows
from transforms.stores.logstore import DataFile

__all__ = ["PlanEngine", "finish_beam", "merge_partials", "named_as_planned", "run_explained", "run_whole", "select_keys"]


class PlanEngine:
    """An engine made ready for one plan: its functions, its ExternalStores. Runs statements over any of the plan's files.

    Args:
        plan: what is run.
        external: store → Arrow table; emptied, so that no table is held twice.
        limits: threads and memory.
    """

    def __init__(self, plan: QueryPlan, external: MutableMapping[str, Any], limits: EngineLimits | None = None) -> None:
        self._plan = plan
        self._engine = Engine(plan.settings, limits)
        install(self._engine.connection, plan.functions)
        for name in list(external):
            self._engine.load_table(external_name(name), external.pop(name))
            _give_back()

    def run(self, files: Sequence[DataFile], sql: str, fetch: Callable[[Engine, str], Any] = Engine.run) -> Any:
        """The rows of ``sql`` when ``"~log"`` is made of just these files: an Arrow table, or what ``fetch`` makes of them."""
        if self._plan.reads_log:
            for name, table in self._plan.scan.tables(files).items():
                self._engine.define_table(name, table)
            self._engine.define_log(self._plan.scan.relation(files))
        return run_explained(self._engine, sql, fetch)

    def close(self) -> None:
        """Let go of the engine's memory."""
        self._engine.close()


def _give_back() -> None:
    """What Arrow used for a table that the engine has copied is the machine's again, before the engine needs as much."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def run_whole(plan: QueryPlan, external: MutableMapping[str, Any], limits: EngineLimits | None = None) -> Rows:
    """The whole statement over all files, in one engine call. ``external``: store → Arrow table; emptied.

    Few rows of plain types come as Python values: that spares a process that reads no ExternalStore the import of Arrow.
    """
    with closing(PlanEngine(plan, external, limits)) as engine:
        if plan.insert is None and all(column.sql_type.partition("(")[0] in PLAIN_TYPES for column in plan.output):
            rows: Rows = engine.run(plan.files, plan.sql, Engine.rows)
            return rows
        return Rows(named_as_planned(plan, engine.run(plan.files, plan.sql)))


def merge_partials(plan: QueryPlan, partials: Sequence[Any], limits: EngineLimits | None = None) -> Any:
    """One result from the tasks' Arrow tables."""
    import pyarrow as pa

    if plan.phases.merge_sql is None:
        return named_as_planned(plan, pa.concat_tables(partials))
    with closing(Engine(plan.settings, limits)) as engine:
        install(engine.connection, plan.functions)
        engine.define_table(PARTIAL, pa.concat_tables(partials, promote_options="permissive"))
        return named_as_planned(plan, run_explained(engine, plan.phases.merge_sql, Engine.run))


def finish_beam(plan: QueryPlan, tables: Sequence[Any], limits: EngineLimits | None = None) -> Any:
    """The result of a plan for ``beam-sql``, from the Arrow tables of Beam SQL's rows."""
    import pyarrow as pa

    assert plan.beam is not None
    with closing(Engine(plan.settings, limits)) as engine:
        install(engine.connection, plan.functions)
        engine.define_table(RESULT, pa.concat_tables(tables))
        return named_as_planned(plan, run_explained(engine, plan.beam.finish, Engine.run))


def select_keys(plan: QueryPlan, files: Sequence[DataFile], read: ExternalRead, limits: EngineLimits | None = None) -> list[Any]:
    """The distinct join keys in some files, at most one more than the reading allows."""
    assert read.keys is not None
    with closing(PlanEngine(plan, {}, limits)) as engine:
        keys = engine.run(files, f"{read.keys.keys_sql} limit {read.keys.at_most + 1}")
    return list(keys.column(0).to_pylist())


def named_as_planned(plan: QueryPlan, table: Any) -> Any:
    """The columns under the names the statement gives them; the engine may have made equal names unequal."""
    return table.rename_columns([column.name for column in plan.output])


def run_explained(engine: Engine, sql: str, fetch: Callable[[Engine, str], Any]) -> Any:
    """What ``fetch`` makes of a statement. Raises QueryFailed in the dialect's words."""
    try:
        return fetch(engine, sql)
    except QueryFailed as failure:
        if failure.code != QueryFailed.default_code:
            raise
        raise explain_failure(failure.message) from failure
