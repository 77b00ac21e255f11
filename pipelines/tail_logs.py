"""The newest logs of a Logstore in the order they were received, and those that come."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from transforms.core.interval import ALL_TIME, Interval

if TYPE_CHECKING:
    from transforms.core.clock import Clock
    from transforms.core.log_group import LogGroup
    from transforms.stores.logstore import Logstore, Snapshot

__all__ = ["follow", "last_logs"]

_POLL_SECONDS = 0.5


def last_logs(store: Logstore, count: int) -> tuple[list[LogGroup], int]:
    """The last ``count`` logs by receive time, oldest first, and the version they were read at. Reads only the newest files."""
    if count <= 0:
        return [], store.version()
    while True:
        snapshot = store.snapshot()
        found = _newest(store.read(received=_span_of_newest(snapshot, count)), count)
        # What was committed while this read would be shown now and again by who follows from the snapshot: read once more.
        if store.version() == snapshot.version:
            return found, snapshot.version


def _span_of_newest(snapshot: Snapshot, count: int) -> Interval:
    """The receive times that surely hold the newest ``count`` logs."""
    rows: Counter[int] = Counter()
    for file in snapshot.files:
        if file.receive_time is None:  # made by compaction of several commits: may hold logs newer than any other
            return ALL_TIME
        rows[file.receive_time] += file.rows
    have = 0
    for moment in sorted(rows, reverse=True):
        have += rows[moment]
        if have >= count:
            return Interval.of(moment, None)
    return ALL_TIME


def _newest(groups: Iterator[LogGroup], count: int) -> list[LogGroup]:
    """The ``count`` logs with the greatest receive times, in that order; of equals, the later ones of the reading."""
    import polars as pl

    from transforms.core.field_columns import RECEIVE_TIME
    from transforms.core.log_group import LogGroup

    kept: deque[LogGroup] = deque()
    for group in groups:
        kept.append(group)
        if sum(piece.num_rows for piece in kept) > 8 * count + 65_536:
            kept = deque(_newest_of(list(kept), count))
    found = _newest_of(list(kept), count)
    if not found:
        return []
    frame = pl.concat([piece.frame() for piece in found], how="diagonal")
    return [LogGroup.from_frame(frame.sort(RECEIVE_TIME, maintain_order=True))]


def _newest_of(groups: list[LogGroup], count: int) -> list[LogGroup]:
    import numpy as np

    from transforms.core.log_group import LogGroup

    total = sum(group.num_rows for group in groups)
    if total <= count:
        return groups
    received = np.concatenate([np.asarray(group.receive_times) for group in groups])
    chosen = np.sort(np.argsort(received, kind="stable")[total - count :])
    found, begin = [], 0
    for group in groups:
        rows = chosen[(chosen >= begin) & (chosen < begin + group.num_rows)] - begin
        if len(rows):
            found.append(LogGroup.from_frame(group.frame()[rows]).compacted())
        begin += group.num_rows
    return found


def follow(store: Logstore, after_version: int, clock: Clock) -> Iterator[LogGroup]:
    """The logs that each later commit adds, as they come, without end. What compaction rewrites is not seen again."""
    version = after_version
    while True:
        newest = store.version()
        for batch in store.tail(version):
            yield from batch.groups
            version = batch.version
        version = max(version, newest)
        clock.sleep(_POLL_SECONDS)
