"""Many windows of one statement over few scans: neighbouring windows become chunks, and the logs of a chunk are read once.

A chunk has as many windows as fit: the logs from its first window's start to its last one's end are held together. Windows overlap,
touch or leave holes as they like; a big hole, and a statement that reads other columns or other logs, begin a new chunk. A window
that alone is too much for a chunk has one to itself, and its logs are not held but streamed through the engine, as in a single run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from transforms.core.interval import ALL_TIME, Interval
from transforms.sql.phases import Phases
from transforms.sql.plan import ExternalRead, QueryPlan
from transforms.stores.logstore import DataFile

__all__ = ["CHUNK_BYTES", "CHUNK_ROWS", "WindowChunk", "WindowStatement", "cut_chunks", "files_of", "merged_reads", "shared_plan"]

CHUNK_ROWS = 2_000_000
"""Logs that a chunk holds, about;"""
CHUNK_BYTES = 256 * 1024 * 1024
"""and what they take in their compressed files."""
_HOLE = 8
"""A hole of more than this part of a chunk is not read."""


@dataclass(frozen=True)
class WindowStatement:
    """One window to compute.

    Attributes:
        number: what the caller knows it by.
        window: ``[from, to)``, Unix seconds.
        plan: what is read, as `shared_plan` makes it; equal for all windows of a chunk.
        sql: the whole statement in the engine's words.
    """

    number: int
    window: Interval
    plan: QueryPlan
    sql: str


@dataclass(frozen=True)
class WindowChunk:
    """Windows that share a scan.

    Attributes:
        number: counts the chunks.
        plan: what all of them read.
        files: those with logs of any window.
        windows: (number, window, SQL) of each, in the order given.
        share: estimate of how much of a chunk's room its logs take; more than 1: they are not held.
        in_order: whether the files follow each other in time.
    """

    number: int
    plan: QueryPlan
    files: tuple[DataFile, ...]
    windows: tuple[tuple[int, Interval, str], ...]
    share: float
    in_order: bool

    @property
    def span(self) -> Interval:
        """From the first start to the last end."""
        return Interval(min(window.start for _, window, _ in self.windows), max(window.end for _, window, _ in self.windows))


def shared_plan(plan: QueryPlan) -> QueryPlan:
    """A plan without what belongs to one window: two windows whose shared plans are equal can read the same copy of the logs."""
    return replace(
        plan,
        statement="",
        sql="",
        times=ALL_TIME,
        scan=replace(plan.scan, times=ALL_TIME),
        files=(),
        files_total=0,
        rows_total=0,
        external=(),
        phases=Phases("", None, ""),
        tasks=(),
        reasons=(),
        warnings=(),
    )


def merged_reads(plans: Sequence[QueryPlan]) -> tuple[ExternalRead, ...]:
    """One reading of each ExternalStore that serves all plans: all columns, and only the conditions that all have."""
    # Keys are looked for in the logs of one scan.
    alike = all(shared_plan(plan) == shared_plan(plans[0]) for plan in plans[1:])
    merged: dict[str, ExternalRead] = {}
    for read in (read if alike else replace(read, keys=None) for plan in plans for read in plan.external):
        known = merged.setdefault(read.descriptor.name, read)
        if known is not read and known != read:
            columns = (*known.columns, *(name for name in read.columns if name not in known.columns))
            conditions = tuple(condition for condition in known.conditions if condition in read.conditions)
            merged[read.descriptor.name] = replace(known, columns=columns, conditions=conditions, keys=None)
    return tuple(merged.values())


def cut_chunks(windows: Sequence[WindowStatement], files: Sequence[DataFile], *, least: int = 1) -> tuple[WindowChunk, ...]:
    """Chunks of windows that are given in the order to compute them; ``least``: chunks to aim at, at least.

    ``files`` are those of a snapshot that may hold logs of any window.
    """
    if not windows:
        return ()
    before = _shares(files)
    room = 1.0
    if least > 1:
        all_of_them = before(max(one.window.end for one in windows)) - before(min(one.window.start for one in windows))
        room = min(room, max(all_of_them / least, 1e-6))
    chunks: list[WindowChunk] = []
    pending: list[WindowStatement] = []
    low = high = 0
    for one in windows:
        if pending:
            start, end = min(low, one.window.start), max(high, one.window.end)
            hole = max(before(one.window.start) - before(high), before(low) - before(one.window.end))
            if one.plan != pending[0].plan or before(end) - before(start) > room or hole > room / _HOLE:
                chunks.append(_chunk(len(chunks), pending, files, before(high) - before(low)))
                pending = []
            else:
                low, high = start, end
        if not pending:
            low, high = one.window.start, one.window.end
        pending.append(one)
    chunks.append(_chunk(len(chunks), pending, files, before(high) - before(low)))
    return tuple(chunks)


def files_of(files: Sequence[DataFile], window: Interval) -> tuple[DataFile, ...]:
    """Those that may hold logs of a window."""
    return tuple(file for file in files if window.overlaps(file.time_min, file.time_max))


def _chunk(number: int, windows: Sequence[WindowStatement], files: Sequence[DataFile], share: float) -> WindowChunk:
    span = Interval(min(one.window.start for one in windows), max(one.window.end for one in windows))
    plan = windows[0].plan
    found = files_of(files, span) if plan.reads_log else ()
    by_time = sorted(found, key=lambda file: file.time_min)
    in_order = all(a.time_max <= b.time_min for a, b in pairwise(by_time))
    return WindowChunk(number, plan, found, tuple((one.number, one.window, one.sql) for one in windows), share, in_order)


def _shares(files: Sequence[DataFile]) -> Callable[[int], float]:
    """How many chunks' room all logs before a moment take, as if each file's were spread evenly over its time."""
    import numpy as np

    if not files:
        return lambda _moment: 0.0
    starts = np.array([file.time_min for file in files], np.float64)
    ends = np.array([file.time_max + 1 for file in files], np.float64)
    share = np.array([max(file.rows / CHUNK_ROWS, file.size / CHUNK_BYTES) for file in files])
    rate = share / (ends - starts)
    edges = np.concatenate([starts, ends])
    order = np.argsort(edges, kind="stable")
    at = edges[order]
    slope = np.cumsum(np.concatenate([rate, -rate])[order])
    total = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(at))])

    def before(moment: int) -> float:
        found: Any = np.interp(moment, at, total)
        return float(found)

    return before
