"""How far a consumer group is behind, shard by shard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.errors import NotFound
from transforms.stores.cursor import BEGIN

if TYPE_CHECKING:
    from transforms.stores.consumer_group import GroupState
    from transforms.stores.sharded_store import ShardedStore

__all__ = ["lags_of", "span_text"]


def lags_of(store: ShardedStore, state: GroupState) -> dict[int, int | None]:
    """Of each shard the lag of its checkpoint (the beginning without one) in microseconds of receive time; None when the
    checkpoint lies before all that the store still knows of, so that a reader cannot go on from there."""
    lags: dict[int, int | None] = {}
    for shard, seat in sorted(state.seats.items()):
        try:
            lags[shard] = store.lag_us(shard, BEGIN if seat.checkpoint is None else seat.checkpoint)
        except NotFound as error:
            if error.code != "CursorExpired":
                raise
            lags[shard] = None
    return lags


def span_text(microseconds: int) -> str:
    """A time as people say it: ``0 s``, ``350 ms``, ``12.5 s``, ``7 min``, ``3 h 20 min``, ``2 d 5 h``; below a millisecond ``< 1 ms``."""
    if not microseconds:
        return "0 s"
    if microseconds < 1_000:
        return "< 1 ms"
    if microseconds < 1_000_000:
        return f"{microseconds // 1_000} ms"
    seconds = microseconds / 1_000_000
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
