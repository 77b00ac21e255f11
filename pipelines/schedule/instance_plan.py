"""The plan of one instance: its statement over its window, and where the rows go. Imports no Beam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.home import Home
from pipelines.query import surroundings_of
from transforms.core.errors import ParameterInvalid, StatementError
from transforms.core.interval import Interval
from transforms.schedule.destinations import LogstoreDestination, MetricstoreDestination, TableDestination
from transforms.schedule.instance_tags import instance_tags
from transforms.schedule.ledger import Turn
from transforms.schedule.task import MOST_RESULT_ROWS, Task
from transforms.sql.plan import QueryPlan
from transforms.sql.planner import PlanOptions, SqlEngine, Surroundings, plan_query
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.table_commit import TableCommit

__all__ = ["InstancePlan", "plan_instance", "plan_window", "table_commit", "table_commit_of", "target_of", "writer_of"]


@dataclass(frozen=True)
class InstancePlan:
    """What one attempt does.

    Attributes:
        task: the configuration.
        instance: id; ``schedule_time`` and ``window`` in Unix seconds.
        run: number of the instance's run, from 1: automatic attempts of one run make it together.
        again: an earlier run of the instance went well, so that its rows are to be replaced.
        writer: who commits: the task's creation and the turn, which rises.
        query: what is read and computed.
        target: the Logstore, Metricstore or ExternalStore that the rows go to.
        tags: fields that every log and sample carries.
    """

    task: Task
    instance: str
    schedule_time: int
    window: Interval
    run: int
    again: bool
    writer: AppTransaction
    query: QueryPlan
    target: LogstoreDescriptor | ExternalStoreDescriptor
    tags: Mapping[str, str]


def plan_instance(home: Home, turn: Turn, *, least_tasks: int = 1, engine: SqlEngine = "embedded") -> InstancePlan:
    """The plan of a turn's attempt. Raises StatementError, NotFound, StoreError: the attempt has failed then."""
    task, instance = turn.entry.task, turn.instance
    began_us = instance.execute_us or 0
    return InstancePlan(
        task,
        instance.id,
        instance.schedule_time,
        instance.window,
        len(instance.runs),
        any(run.attempts and run.attempts[-1].failure is None for run in instance.runs[:-1]),
        writer_of(turn.entry.schedule_id, turn.number),
        plan_window(home, task, instance.schedule_time, instance.window, began_us, least_tasks=least_tasks, engine=engine),
        target_of(home, task),
        instance_tags(task.project, task.name, instance),
    )


def table_commit(plan: InstancePlan) -> TableCommit:
    """Whose rows they are, for a plan whose destination is a database table."""
    return table_commit_of(plan.task, plan.writer, plan.instance, plan.run, plan.window, plan.again)


def table_commit_of(task: Task, writer: AppTransaction, instance: str, run: int, window: Interval, again: bool) -> TableCommit:
    """Whose rows they are, for a task whose destination is a database table; the arguments are as `InstancePlan` has them."""
    found = task.destination
    assert isinstance(found, TableDestination)
    return TableCommit(
        writer.app_id, writer.version, instance, run, window, again, found.key_columns, found.window_column, found.instance_column
    )


def writer_of(schedule_id: str, turn: int) -> AppTransaction:
    """Whom a destination sees: a later turn of the task is never overtaken by an earlier one."""
    return AppTransaction(f"task-{schedule_id}", turn)


def plan_window(
    home: Home,
    task: Task,
    schedule_time: int,
    window: Interval,
    now_us: int,
    *,
    least_tasks: int = 1,
    engine: SqlEngine = "embedded",
    around: Surroundings | None = None,
) -> QueryPlan:
    """A task's statement over one window. ``around``: what is asked instead of the home."""
    # One row more than may be written shows that there are too many.
    settings = PlanOptions(zone_name(task), now_us, default_limit=MOST_RESULT_ROWS + 1, least_tasks=least_tasks, engine=engine)
    around = around or surroundings_of(home, task.project, task.source)
    plan = plan_query(task.statement_at(schedule_time, window), window, around, settings)
    if plan.kind != "select":
        raise StatementError(
            "a task's script is search | select …",
            hint="the task says where rows go, the script only what they are: select the fields you want",
            code="StatementInvalid",
        )
    return plan


def target_of(home: Home, task: Task) -> LogstoreDescriptor | ExternalStoreDescriptor:
    """The store of a task's destination. Raises NotFound with the nearest name, ParameterInvalid for one of another kind."""
    catalogue, destination = home.catalogue(), task.destination
    if isinstance(destination, TableDestination):
        return catalogue.external_store(task.project, destination.external_store)
    if isinstance(destination, MetricstoreDestination):
        return _of_kind(catalogue.logstore(destination.project, destination.metricstore), "metrics", "Metricstore")
    assert isinstance(destination, LogstoreDestination)
    return _of_kind(catalogue.logstore(destination.project, destination.logstore), "logs", "Logstore")


def zone_name(task: Task) -> str:
    """A task's zone as SQL takes it."""
    return str(task.zone).removeprefix("UTC") or "UTC"


def _of_kind(store: LogstoreDescriptor, telemetry: str, kind: str) -> LogstoreDescriptor:
    if store.telemetry != telemetry:
        raise ParameterInvalid(
            f"the destination {store.name!r} is no {kind}", hint="log2log writes to a Logstore, log2metric to a Metricstore"
        )
    return store
