"""`ConsumerGroups` on top of whoever keeps the groups' states: each call is one step of the state machine under the keeper's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from transforms.consumers.group_machine import GroupMachine
from transforms.stores.checkpoint import Checkpoint
from transforms.stores.consumer_group import Assignment, ConsumerGroup, GroupState, check_group_name, checked_timeout
from transforms.stores.cursor import Cursor

__all__ = ["GroupKeeper", "KeptConsumerGroups"]


class GroupKeeper(Protocol):
    """Keeps the groups of one Logstore."""

    def step(self, name: str) -> AbstractContextManager[GroupMachine]:
        """Alone with a group, brought up to the moment. What the block changes is durable when it ends, nothing when it raises.

        Raises NotFound with code ``ConsumerGroupNotExist``.
        """
        ...

    def insert(self, group: ConsumerGroup) -> None:
        """Raises AlreadyExists, and UserError when there are too many."""
        ...

    def remove(self, name: str) -> None:
        """With all the group's rows. Raises NotFound."""
        ...

    def groups(self) -> Sequence[ConsumerGroup]:
        """Sorted by name."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class KeptConsumerGroups:
    """The port over a keeper."""

    def __init__(self, keeper: GroupKeeper) -> None:
        self._keeper = keeper

    def create(self, group: ConsumerGroup) -> None:
        check_group_name(group.name)
        checked_timeout(group.timeout_s)
        self._keeper.insert(group)

    def update(self, name: str, *, timeout_s: int | None = None, order: bool | None = None) -> ConsumerGroup:
        with self._keeper.step(name) as group:
            return group.update(timeout_s, order)

    def delete(self, name: str) -> None:
        self._keeper.remove(name)

    def list(self) -> Sequence[ConsumerGroup]:
        return self._keeper.groups()

    def state(self, name: str) -> GroupState:
        with self._keeper.step(name) as group:
            return group.state.copy()

    def heartbeat(self, name: str, consumer: str, shards: Sequence[int], *, incarnation: str = "") -> Sequence[Assignment]:
        with self._keeper.step(name) as group:
            return group.heartbeat(consumer, shards, incarnation)

    def leave(self, name: str, consumer: str, *, incarnation: str = "") -> None:
        with self._keeper.step(name) as group:
            group.leave(consumer, incarnation)

    def save_checkpoint(
        self, name: str, shard: int, cursor: Cursor, *, consumer: str = "", epoch: int | None = None, force: bool = False
    ) -> None:
        with self._keeper.step(name) as group:
            group.save(shard, cursor, consumer=consumer, epoch=epoch, force=force)

    def checkpoints(self, name: str, shard: int | None = None) -> Sequence[Checkpoint]:
        with self._keeper.step(name) as group:
            return group.checkpoints(shard)

    def reset(self, name: str, cursors: Mapping[int, Cursor], *, keep_others: bool = False) -> None:
        with self._keeper.step(name) as group:
            group.reset(cursors, keep_others=keep_others)

    def close(self) -> None:
        self._keeper.close()
