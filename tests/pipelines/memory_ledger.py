"""A ledger of slices in memory, for one consumer after the other: what `transforms.stores.slice.SliceLedger` promises, by the lane machine."""

from __future__ import annotations

from collections.abc import Mapping

from transforms.consumers.slice_lane import SliceLane
from transforms.core.errors import CommitConflict
from transforms.stores.cursor import Cursor
from transforms.stores.slice import Intended, LaneState, Slice, Wanted

__all__ = ["MemoryLedger"]


class MemoryLedger:
    """``owners`` tells the epoch of each shard's owner; whoever comes with another is left out."""

    def __init__(self, owners: dict[int, int]) -> None:
        self.owners = owners
        self.lanes: dict[int, LaneState] = {shard: LaneState() for shard in owners}

    def unfinished(self, consumer: str, epochs: Mapping[int, int]) -> Mapping[int, Slice | None]:
        return {shard: self._lane(shard).unfinished for shard, epoch in epochs.items() if self._owns(shard, epoch)}

    def begin(self, consumer: str, wanted: Mapping[int, Wanted], rule: str) -> Mapping[int, Slice]:
        return {shard: self._lane(shard).begin(one.begin, one.end, rule) for shard, one in wanted.items() if self._owns(shard, one.epoch)}

    def intend(self, consumer: str, intended: Mapping[int, Intended]) -> Mapping[int, Slice]:
        found = {}
        for shard, one in intended.items():
            if self._owns(shard, one.epoch):
                try:
                    found[shard] = self._lane(shard).intend(one.number, one.intent, one.counts)
                except CommitConflict:
                    continue  # not the open one: left out, as the port says
        return found

    def finish(self, consumer: str, numbers: Mapping[int, tuple[int, int]]) -> frozenset[int]:
        done = set()
        for shard, (epoch, number) in numbers.items():
            if self._owns(shard, epoch):
                last = self.lanes[shard].slice
                if last is None or not (last.done and last.number == number):
                    self._lane(shard).finish(number)
                done.add(shard)
        return frozenset(done)

    def start_at(self, consumer: str, positions: Mapping[int, tuple[int, Cursor]]) -> frozenset[int]:
        for shard, (_, cursor) in positions.items():
            self.lanes[shard].position = cursor
        return frozenset(positions)

    def _owns(self, shard: int, epoch: int) -> bool:
        return self.owners[shard] == epoch

    def _lane(self, shard: int) -> SliceLane:
        return SliceLane(self.lanes[shard], self.owners[shard])
