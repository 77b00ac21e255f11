"""The plan of a turn of a backfill: many windows of a task, planned once where that is possible, cut into chunks. Imports no Beam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from pipelines.home import Home
from pipelines.query import surroundings_of
from pipelines.schedule.instance_plan import plan_window, target_of, writer_of
from transforms.core.errors import StatementError
from transforms.core.interval import Interval
from transforms.schedule.backfill import BackfillWindow
from transforms.schedule.failure import Failure, failure_of
from transforms.schedule.instance import make_instance
from transforms.schedule.instance_tags import instance_tags
from transforms.schedule.ledger import BackfillTurn
from transforms.schedule.task import Task
from transforms.sql.plan import ExternalRead, QueryPlan
from transforms.sql.planner import Surroundings
from transforms.sql.window_chunks import WindowChunk, WindowStatement, cut_chunks, files_of, merged_reads, shared_plan
from transforms.stores.external_store import Column, ExternalStoreDescriptor, TableSize
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor, Snapshot

__all__ = ["BackfillPlan", "PlannedWindow", "plan_backfill_turn"]

TURN_SHARES = 40.0
"""A turn reads about so many chunks' logs, then the schedule may have its turn."""
TABLE_SHARES = 4.0
"""The same where rows go to a table: they are brought together, to be committed in order."""


@dataclass(frozen=True)
class PlannedWindow:
    """One window of the turn.

    Attributes:
        instance: id; ``run``, ``again``, ``tags``: as in `InstancePlan`.
        rows_to_read, bytes_to_read: logs and bytes of the files that may hold its logs.
        notes: what a person should know about its statement.
    """

    schedule_time: int
    window: Interval
    instance: str
    run: int
    again: bool
    tags: Mapping[str, str]
    rows_to_read: int
    bytes_to_read: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class BackfillPlan:
    """What a turn does.

    Attributes:
        task: the configuration.
        writer: who commits, as in `InstancePlan`.
        target: the Logstore, Metricstore or ExternalStore that the rows go to.
        chunks: what is computed; their windows are numbered by schedule time.
        external: ExternalStores that are read for all of them.
        windows: those of the chunks, by schedule time.
        failures: windows whose statement cannot even be planned.
        version, received_us: the source's version that is read, and the receive time of its newest log.
        left: windows of the turn that are left for the next one.
    """

    task: Task
    writer: AppTransaction
    target: LogstoreDescriptor | ExternalStoreDescriptor
    chunks: tuple[WindowChunk, ...]
    external: tuple[ExternalRead, ...]
    windows: Mapping[int, PlannedWindow]
    failures: Mapping[int, Failure]
    version: int
    received_us: int
    left: int


def plan_backfill_turn(home: Home, turn: BackfillTurn, *, least_chunks: int = 1) -> BackfillPlan:
    """The plan of a turn: of its first windows, as many as a turn should read.

    A script without variables is planned once; its errors are raised, since none of the windows could run: StatementError, NotFound,
    StoreError. One with variables is planned for each window, and a window for which it gives no statement fails alone.
    """
    task = turn.entry.task
    target = target_of(home, task)
    around, snapshot = _surroundings(home, task, turn.windows)
    statements: list[WindowStatement] = []
    notes: dict[int, tuple[str, ...]] = {}
    failures: dict[int, Failure] = {}
    plans: list[QueryPlan] = []
    shared: QueryPlan | None = None
    for one in turn.windows:
        at, text = one.schedule_time, task.statement_at(one.schedule_time, one.window)
        if not plans or plans[-1].fills_times or plans[-1].statement != text:
            try:
                plans.append(plan_window(home, task, at, one.window, turn.began_us, around=around))
            except StatementError as error:
                if text == task.script:
                    raise
                failures[at] = failure_of(error)
                continue
            if shared is None or shared_plan(plans[-1]) != shared:
                shared = shared_plan(plans[-1])
        assert shared is not None
        statements.append(WindowStatement(at, one.window, shared, plans[-1].sql))
        notes[at] = plans[-1].warnings
    most = TURN_SHARES if isinstance(target, LogstoreDescriptor) else TABLE_SHARES
    chunks, left = _first_chunks(cut_chunks(statements, snapshot.files, least=least_chunks), most)
    chosen = {at for chunk in chunks for at, _, _ in chunk.windows}
    windows = [_planned(turn, one, snapshot, notes[one.schedule_time]) for one in turn.windows if one.schedule_time in chosen]
    return BackfillPlan(
        task,
        writer_of(turn.entry.schedule_id, turn.number),
        target,
        chunks,
        merged_reads(plans),
        {one.schedule_time: one for one in windows},
        failures,
        snapshot.version,
        snapshot.received[1],
        left,
    )


def _surroundings(home: Home, task: Task, windows: Sequence[BackfillWindow]) -> tuple[Surroundings, Snapshot]:
    """What planning asks, each thing asked once: all windows see one version of the source and one list of columns."""
    around = surroundings_of(home, task.project, task.source)
    span = Interval(min(one.window.start for one in windows), max(one.window.end for one in windows))
    snapshot = around.snapshot(span)
    columns: dict[str, tuple[Column, ...]] = {}
    sizes: dict[str, TableSize] = {}

    def columns_of(store: ExternalStoreDescriptor) -> tuple[Column, ...]:
        if store.name not in columns:
            columns[store.name] = around.external_columns(store)
        return columns[store.name]

    def size_of(store: ExternalStoreDescriptor) -> TableSize:
        if store.name not in sizes:
            sizes[store.name] = around.external_size(store)
        return sizes[store.name]

    return replace(
        around,
        snapshot=lambda times: replace(snapshot, files=files_of(snapshot.files, times)),
        external=cache(around.external),
        external_columns=columns_of,
        external_size=size_of,
    ), snapshot


def _first_chunks(chunks: Sequence[WindowChunk], most: float) -> tuple[tuple[WindowChunk, ...], int]:
    """The chunks that one turn computes, one at least, and the number of windows in the others."""
    read, count = 0.0, 0
    for chunk in chunks:
        read += chunk.share
        if count and read > most:
            break
        count += 1
    return tuple(chunks[:count]), sum(len(chunk.windows) for chunk in chunks[count:])


def _planned(turn: BackfillTurn, one: BackfillWindow, snapshot: Snapshot, notes: tuple[str, ...]) -> PlannedWindow:
    task, before = turn.entry.task, one.instance
    instance = make_instance(turn.entry.schedule_id, one.schedule_time, one.window, turn.began_us, "backfill")
    instance = instance if before is None else replace(instance, id=before.id)
    runs = () if before is None else before.runs
    files = files_of(snapshot.files, one.window)
    return PlannedWindow(
        one.schedule_time,
        one.window,
        instance.id,
        len(runs) + 1,
        any(run.attempts and run.attempts[-1].failure is None for run in runs),
        instance_tags(task.project, task.name, instance),
        sum(file.rows for file in files),
        sum(file.size for file in files),
        notes,
    )
