"""The state machine of one consumer group: pure steps over its state, the shards and the time.

A keeper (memory, a database) loads a group's state under a lock, makes the machine, takes one step and stores what changed. Making the
machine already brings the state up to the moment: consumers that were silent for too long are removed in the order in which their time
ran out, new shards get seats, what is read to its end is over, heirs of such shards are freed, and all is balanced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from transforms.consumers import refusals
from transforms.consumers.balance import balance, seat_given, seat_kept
from transforms.stores.checkpoint import Checkpoint
from transforms.stores.consumer_group import (
    Assignment,
    Consumer,
    ConsumerGroup,
    GroupState,
    Seat,
    ShardExtents,
    changed_group,
    check_consumer_name,
)
from transforms.stores.cursor import BEGIN, Cursor

__all__ = ["GroupMachine"]


class GroupMachine:
    """One step on a group.

    Args:
        state: changed in place; a step that is refused leaves it as brought up to the moment.
        extents: the shards, not older than those the state has seen (ValueError): they would take away seats that exist.
        now_us: the keeper's time. When it was set back, time-outs run anew from it, so nobody is removed too soon.
    """

    def __init__(self, state: GroupState, extents: ShardExtents, now_us: int) -> None:
        if extents.version < state.shards_version:
            raise ValueError(f"shards of version {extents.version} after version {state.shards_version}")
        self.state = state
        self._shards = extents.shards
        self._now_us = now_us
        self._remove_silent()
        self._see_shards(extents.version)
        self._settle()

    # Consumers

    def heartbeat(self, consumer: str, shards: Iterable[int], incarnation: str = "") -> tuple[Assignment, ...]:
        """Like `ConsumerGroups.heartbeat`."""
        listed = frozenset(shards)
        known = self.state.consumers.get(consumer)
        if known is None:
            if listed:
                raise refusals.reports_unknown(consumer)
            check_consumer_name(consumer)
        elif known.incarnation != incarnation:
            raise refusals.name_taken(consumer)
        self.state.consumers[consumer] = Consumer(consumer, incarnation, self._now_us)
        for seat in self._seats():
            if seat.owner == consumer and seat.state == "transfer" and seat.shard not in listed:
                self._put(seat_given(seat, seat.heir))
        self._settle()
        return tuple(
            Assignment(seat.shard, seat.epoch, seat.checkpoint)
            for seat in self._seats()
            if seat.owner == consumer and seat.state == "already_alloc"
        )

    def leave(self, consumer: str, incarnation: str = "") -> None:
        """Like `ConsumerGroups.leave`."""
        known = self.state.consumers.get(consumer)
        if known is None:
            raise refusals.no_consumer(consumer)
        if known.incarnation != incarnation:
            raise refusals.name_taken(consumer)
        self._remove({consumer})
        self._settle()

    # Checkpoints

    def save(self, shard: int, cursor: Cursor, *, consumer: str = "", epoch: int | None = None, force: bool = False) -> None:
        """Like `ConsumerGroups.save_checkpoint`."""
        if not consumer and not force:
            raise refusals.no_consumer_named()
        seat, extent = self.state.seats.get(shard), self._shards.get(shard)
        if seat is None or extent is None:
            raise refusals.no_shard(shard)
        if not force:
            self.check_owner(shard, consumer, epoch)
        if cursor > extent.end:
            raise refusals.behind_the_end(shard)
        if not force and seat.checkpoint is not None and cursor < seat.checkpoint:
            raise refusals.backwards(shard)
        reopened = seat.state == "over" and not extent.read_to_end(cursor)
        seat = replace(seat, state="not_alloc") if reopened else seat
        self._put(replace(seat, checkpoint=cursor, saved_us=self._now_us, saved_by=consumer))
        self._settle()

    def check_owner(self, shard: int, consumer: str, epoch: int | None = None) -> None:
        """What another step of the same transaction rests on: that a consumer owns a shard, as this one of its owners. Raises like `save`."""
        seat = self.state.seats.get(shard)
        if seat is None:
            raise refusals.no_shard(shard)
        if consumer not in self.state.consumers:
            raise refusals.no_consumer(consumer)
        if seat.owner != consumer or (epoch is not None and epoch != seat.epoch):
            raise refusals.not_owner(consumer, seat, epoch)

    def checkpoints(self, shard: int | None = None) -> tuple[Checkpoint, ...]:
        """Like `ConsumerGroups.checkpoints`."""
        return tuple(
            Checkpoint(seat.shard, seat.checkpoint, seat.saved_us, seat.saved_by)
            for seat in self._seats()
            if shard is None or seat.shard == shard
        )

    def reset(self, cursors: Mapping[int, Cursor], *, keep_others: bool = False) -> None:
        """Like `ConsumerGroups.reset`. Which shards are over or wait follows anew from their positions."""
        if self.state.consumers:
            raise refusals.group_busy(self.state.consumers)
        for shard, cursor in cursors.items():
            if shard not in self.state.seats:
                raise refusals.no_shard(shard)
            if cursor > self._shards[shard].end:
                raise refusals.behind_the_end(shard)
        for seat in self._seats():
            if keep_others and seat.shard not in cursors:
                self._put(replace(seat, state="wait"))
                continue
            cursor = cursors.get(seat.shard, BEGIN)
            self._put(replace(seat, state="wait", checkpoint=cursor, saved_us=self._now_us, saved_by=""))
        self._settle()

    # Settings

    def update(self, timeout_s: int | None = None, order: bool | None = None) -> ConsumerGroup:
        """Like `ConsumerGroups.update`."""
        self.state.group = changed_group(self.state.group, timeout_s, order)
        self._remove_silent()
        self._settle()
        return self.state.group

    # What time and shards do

    def _remove_silent(self) -> None:
        for consumer in self.state.consumers.values():
            if consumer.last_beat_us > self._now_us:
                self.state.consumers[consumer.name] = replace(consumer, last_beat_us=self._now_us)
        limit = self._now_us - self.state.group.timeout_s * 1_000_000
        while silent := [consumer for consumer in self.state.consumers.values() if consumer.last_beat_us < limit]:
            first = min(consumer.last_beat_us for consumer in silent)
            self._remove({consumer.name for consumer in silent if consumer.last_beat_us == first})
            balance(self.state)  # as if someone had looked at each moment that a time-out ran out

    def _remove(self, gone: set[str]) -> None:
        for name in gone:
            del self.state.consumers[name]
        for seat in self._seats():
            if seat.owner in gone:
                self._put(replace(seat, state="not_alloc", owner="", heir=""))
            elif seat.heir in gone:
                self._put(seat_kept(seat))

    def _see_shards(self, version: int) -> None:
        self.state.shards_version = version
        for shard in [shard for shard in self.state.seats if shard not in self._shards]:
            del self.state.seats[shard]  # its logs have expired
        for shard in sorted(self._shards):
            if shard not in self.state.seats:
                self.state.seats[shard] = Seat(shard, "wait")

    def _settle(self) -> None:
        for seat in self._seats():
            if seat.state != "over" and self._shards[seat.shard].read_to_end(seat.checkpoint):
                self._put(replace(seat, state="over", owner="", heir=""))
        for seat in self._seats():
            if seat.state == "wait" and not (self.state.group.order and self._waits(seat.shard)):
                self._put(replace(seat, state="not_alloc"))
        balance(self.state)

    def _waits(self, shard: int) -> bool:
        ancestors = self._shards[shard].ancestors
        return any(ancestor in self.state.seats and self.state.seats[ancestor].state != "over" for ancestor in ancestors)

    def _seats(self) -> list[Seat]:
        return [self.state.seats[shard] for shard in sorted(self.state.seats)]

    def _put(self, seat: Seat) -> None:
        self.state.seats[seat.shard] = seat
