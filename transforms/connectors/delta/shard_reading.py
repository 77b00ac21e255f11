"""The part of a Logstore's adapter that reads shards: one object knows the places, the adapter hands on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from transforms.stores.consumer_group import ShardExtents
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.shard_map import ShardMap
from transforms.stores.sharded_store import Pulled

if TYPE_CHECKING:
    from transforms.connectors.delta.shard_places import ShardPlaces
    from transforms.core.log_group import LogGroup

__all__ = ["ShardReading"]


class ShardReading(ABC):
    """See `transforms.stores.sharded_store.ShardedStore` for what the methods promise."""

    @property
    @abstractmethod
    def _places(self) -> ShardPlaces: ...

    def shard_map(self) -> ShardMap:
        return self._places.shard_map()

    def extents(self) -> ShardExtents:
        return self._places.extents()

    def end_cursor(self, shard: int) -> Cursor:
        return self._places.end(shard)

    def cursor_of(self, shard: int, receive_time: int) -> Cursor:
        return self._places.cursor_of(shard, receive_time)

    def time_of(self, shard: int, cursor: Cursor) -> int:
        return self._places.time_of(shard, cursor)

    def lag_us(self, shard: int, cursor: Cursor) -> int:
        return self._places.lag_us(shard, cursor)

    def reach(self, shard: int, cursor: Cursor, max_rows: int) -> Cursor:
        return self._places.reach(shard, cursor, max_rows)

    def first_cursor(self, shard: int, cursor: Cursor = BEGIN) -> Cursor:
        from transforms.connectors.delta.pulling import first_place

        return first_place(self._places, shard, cursor)

    def read_range(self, shard: int, begin: Cursor, end: Cursor, *, fields: Sequence[str] | None = None) -> Iterator[LogGroup]:
        from transforms.connectors.delta.pulling import read_range

        return read_range(self._places, shard, begin, end, fields)

    def pull(
        self,
        shard: int,
        cursor: Cursor,
        *,
        until: Cursor | None = None,
        max_rows: int = 65_536,
        max_bytes: int = 32 * 1024 * 1024,
        fields: Sequence[str] | None = None,
    ) -> Pulled:
        from transforms.connectors.delta.pulling import pull

        return pull(self._places, shard, cursor, until, max_rows, max_bytes, fields)
