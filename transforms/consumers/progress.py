"""How far a group is: the lag of its shards, and whether a job with an end has read all it was made for."""

from __future__ import annotations

from collections.abc import Mapping

from transforms.stores.consumer_group import GroupState, ShardExtent
from transforms.stores.cursor import BEGIN, Cursor

__all__ = ["group_lag_us", "has_read", "shard_lag_us"]


def shard_lag_us(extent: ShardExtent, position: Cursor | None, newest_us: int, position_us: int) -> int:
    """How far a shard's reader is behind, microseconds: 0 when it has read all there is, else at least 1.

    Args:
        extent: the shard.
        position: the reader's (None = before the first log).
        newest_us: receive time of the shard's newest log; unused when there is none.
        position_us: receive time of the log before the position, of the first log when there is none before.
    """
    if (BEGIN if position is None else position) >= extent.end:
        return 0
    return max(1, newest_us - position_us)


def group_lag_us(lags: Mapping[int, int]) -> int:
    """The largest of its shards' lags; 0 without shards."""
    return max(lags.values(), default=0)


def has_read(state: GroupState, ends: Mapping[int, Cursor] | None) -> bool:
    """Whether every shard was read up to where the job ends in it (None = it never ends). A shard without logs for the job ends at its
    beginning; one whose logs expired before they were read is not read."""
    if ends is None:
        return False
    checkpoints = {seat.shard: seat.checkpoint or BEGIN for seat in state.seats.values()}
    return all(checkpoints.get(shard, BEGIN) >= end for shard, end in ends.items())
