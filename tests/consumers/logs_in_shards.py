"""A Logstore for the state machine: shards that split and merge, and when each log was received. A log's place is its number in its shard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from transforms.core.errors import NotFound
from transforms.stores.consumer_group import ShardExtent, ShardExtents
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.shard import Shard, even_shards, shard_of_digits
from transforms.stores.shard_map import ShardMap


def cursor_at(position: int) -> Cursor:
    """Behind as many logs of a shard."""
    return Cursor(1, 0, position) if position else BEGIN


@dataclass
class LogsInShards:
    shards: ShardMap
    received: dict[int, list[int]] = field(default_factory=dict)
    """Of each shard the logs' receive times."""
    version: int = 0
    _told: tuple[int, int] = (-1, -1)
    _extents: ShardExtents = field(default_factory=lambda: ShardExtents(0, {}))
    _ancestors: dict[int, frozenset[int]] = field(default_factory=dict)

    @staticmethod
    def of(shards: int | Iterable[Shard]) -> LogsInShards:
        made = ShardMap.of(even_shards(shards) if isinstance(shards, int) else shards)
        return LogsInShards(made, {record.shard.id: [] for record in made.records})

    def append(self, now: int, count: int, *, shard: int | None = None, key: str = "0") -> int:
        target = shard_of_digits(self.shards.writable, key) if shard is None else self.shards.for_append(shard)
        self.received[target.id] += [now] * count
        return target.id

    def split(self, shard: int, key: str | None = None) -> tuple[int, ...]:
        self.shards, made = self.shards.split(shard, key)
        return self._made(made)

    def merge(self, shard: int) -> tuple[int, ...]:
        self.shards, made = self.shards.merge(shard)
        return self._made((made,))

    def _made(self, shards: tuple[int, ...]) -> tuple[int, ...]:
        self.version += 1
        self.received.update({shard: [] for shard in shards})
        return shards

    def position(self, shard: int, start: int | str) -> int:
        """Of ``begin``, ``end``, or the first log received at a time or later."""
        if shard not in self.received:
            raise NotFound(f"there is no shard {shard}", code="ShardNotExist")
        times = self.received[shard]
        if isinstance(start, str):
            return {"begin": 0, "end": len(times)}[start]
        return sum(time < start for time in times)

    def ancestors(self, shard: int) -> frozenset[int]:
        if shard not in self._ancestors:
            self._ancestors[shard] = self.shards.ancestors(shard)
        return self._ancestors[shard]

    def extents(self) -> ShardExtents:
        told = (self.version, sum(map(len, self.received.values())))
        if told != self._told:
            self._told, self._extents = told, self._extents_now()
        return self._extents

    def _extents_now(self) -> ShardExtents:
        return ShardExtents(
            self.version,
            {
                record.shard.id: ShardExtent(
                    cursor_at(len(self.received[record.shard.id])), not record.writable, self.ancestors(record.shard.id)
                )
                for record in self.shards.records
            },
        )
