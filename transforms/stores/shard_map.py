"""ShardMap: a Logstore's shards with their history. Splits and merges retire shards and make new ones; ids only count up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from transforms.core.errors import NotFound, ParameterInvalid, UserError
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.shard import Shard, place_of_digits

__all__ = ["KEPT_EMPTY_US", "MOST_SHARDS", "ShardMap", "ShardRecord"]

MOST_SHARDS = 256
"""Shards that may take logs at a time."""
KEPT_EMPTY_US = 30 * 86_400 * 1_000_000
"""For how long a retired shard is known whose logs are all gone: as long as the record of commits is kept."""


@dataclass(frozen=True)
class ShardRecord:
    """A shard, the shards it was made from, and whether it still takes logs. A retired one is read to its end.

    Attributes:
        made_us: when it was made, microseconds; 0 = with the Logstore.
        end: behind the last log of a retired shard, for ever; None for a writable one.
    """

    shard: Shard
    parents: tuple[int, ...] = ()
    writable: bool = True
    made_us: int = 0
    end: Cursor | None = None


@dataclass(frozen=True)
class ShardMap:
    """All shards of a Logstore by rising id. The ranges of the writable ones cover the MD5 space without overlap."""

    records: tuple[ShardRecord, ...]

    @staticmethod
    def of(shards: Iterable[Shard]) -> ShardMap:
        """A new Logstore's."""
        return ShardMap(tuple(ShardRecord(shard) for shard in sorted(shards, key=lambda shard: shard.id)))

    def record(self, shard: int) -> ShardRecord:
        """Raises NotFound with code ``ShardNotExist``."""
        for record in self.records:
            if record.shard.id == shard:
                return record
        known = ", ".join(str(record.shard.id) for record in self.records[:20])
        raise NotFound(f"there is no shard {shard}", hint=f"shards: {known}", code="ShardNotExist")

    @property
    def writable(self) -> tuple[Shard, ...]:
        """Shards that take logs, in the order of their ranges."""
        return tuple(sorted((record.shard for record in self.records if record.writable), key=lambda shard: shard.begin))

    def for_append(self, shard: int) -> Shard:
        """A shard to write to by its id. Raises UserError with code ``ShardReadOnly`` for a retired one."""
        record = self.record(shard)
        if not record.writable:
            raise UserError(
                f"shard {shard} was split or merged and takes no logs", hint="write by hash key, or balanced", code="ShardReadOnly"
            )
        return record.shard

    def takers(self, shard: int) -> tuple[Shard, ...]:
        """The writable shards that have a retired one's range now, in the order of their ranges."""
        found = self.record(shard).shard
        return tuple(other for other in self.writable if other.begin < found.end and found.begin < other.end)

    def sealed(self, before: ShardMap, ends: Mapping[int, Cursor], now_us: int) -> ShardMap:
        """With the ends of the shards that this map retires and ``before`` does not, and the time for those it makes."""
        old = {record.shard.id: record for record in before.records}
        return ShardMap(tuple(_sealed(record, old.get(record.shard.id), ends, now_us) for record in self.records))

    def without_expired(self, with_logs: Collection[int], before_us: int) -> ShardMap:
        """Without the shards that were retired before a time and have no logs any more. The newest shard is never one of them, so ids
        still only count up."""
        retired = {parent: record.made_us for record in self.records for parent in record.parents}
        return ShardMap(
            tuple(
                record
                for record in self.records
                if record.writable or record.shard.id in with_logs or retired.get(record.shard.id, 0) >= before_us
            )
        )

    def ancestors(self, shard: int) -> frozenset[int]:
        """Ids of the shards of every earlier generation that a shard's range came from, as far as they are still known."""
        parents = {record.shard.id: record.parents for record in self.records}
        found: set[int] = set()
        left = list(parents.get(shard, ()))
        while left:
            one = left.pop()
            if one not in found and one in parents:
                found.add(one)
                left.extend(parents[one])
        return frozenset(found)

    def split(self, shard: int, key: str | None = None) -> tuple[ShardMap, tuple[int, int]]:
        """Cut a writable shard in two, at a key (32 hexadecimal digits) strictly inside its range or in its middle.

        Gives the new map and the ids of the two shards made. Raises ParameterInvalid, and NotFound with code ``ShardNotExist``.
        """
        found = self._changeable(shard, "split")
        if len(self.writable) >= MOST_SHARDS:
            raise ParameterInvalid(f"a Logstore has at most {MOST_SHARDS} shards that take logs", hint="merge some first")
        cut = (found.begin + found.end) // 2 if key is None else place_of_digits(key)
        if not found.begin < cut < found.end:
            raise ParameterInvalid(
                f"the key {cut:032x} does not lie inside shard {shard}",
                hint=f"choose one behind {found.begin_key} and before {found.end_key}",
            )
        low, high = self._next_id, self._next_id + 1
        made = (ShardRecord(Shard(low, found.begin, cut), (shard,)), ShardRecord(Shard(high, cut, found.end), (shard,)))
        return self._retire((shard,), made), (low, high)

    def merge(self, shard: int) -> tuple[ShardMap, int]:
        """Unite a writable shard with its right neighbour. Gives the new map and the id of the shard made. Raises like `split`."""
        found = self._changeable(shard, "merged")
        right = next((other for other in self.writable if other.begin == found.end), None)
        if right is None:
            raise ParameterInvalid(f"shard {shard} has no right neighbour", hint="merge the shard to the left of it")
        made = self._next_id
        return self._retire((shard, right.id), (ShardRecord(Shard(made, found.begin, right.end), (shard, right.id)),)), made

    @property
    def _next_id(self) -> int:
        return self.records[-1].shard.id + 1

    def _changeable(self, shard: int, verb: str) -> Shard:
        record = self.record(shard)
        if not record.writable:
            raise ParameterInvalid(f"shard {shard} takes no logs any more and cannot be {verb}", hint="choose a writable shard")
        return record.shard

    def _retire(self, shards: tuple[int, ...], made: tuple[ShardRecord, ...]) -> ShardMap:
        kept = (replace(record, writable=False) if record.shard.id in shards else record for record in self.records)
        return ShardMap((*kept, *made))


def _sealed(record: ShardRecord, old: ShardRecord | None, ends: Mapping[int, Cursor], now_us: int) -> ShardRecord:
    if old is None:
        return replace(record, made_us=now_us)
    if old.writable and not record.writable:
        return replace(record, end=ends.get(record.shard.id, BEGIN))
    return record
