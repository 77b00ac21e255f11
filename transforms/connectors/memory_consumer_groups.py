"""Consumer groups in the memory of one process: for tests, demos and single programs. Forgotten when the process ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from transforms.consumers import refusals
from transforms.consumers.group_machine import GroupMachine
from transforms.consumers.kept_groups import KeptConsumerGroups
from transforms.core.clock import Clock, SystemClock
from transforms.stores.consumer_group import MOST_GROUPS, ConsumerGroup, GroupState, ShardExtents

__all__ = ["open_memory_consumer_groups"]


def open_memory_consumer_groups(extents: Callable[[], ShardExtents], clock: Clock | None = None) -> KeptConsumerGroups:
    """New, empty groups of one Logstore, whose shards ``extents`` tells. Safe under threads."""
    return KeptConsumerGroups(_MemoryKeeper(extents, clock or SystemClock()))


class _MemoryKeeper:
    """A `GroupKeeper`."""

    def __init__(self, extents: Callable[[], ShardExtents], clock: Clock) -> None:
        self._extents = extents
        self._clock = clock
        self._lock = Lock()
        self._states: dict[str, GroupState] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[GroupMachine]:
        with self._lock:
            machine = GroupMachine(self._state(name).copy(), self._extents(), self._clock.now_us())
            yield machine
            self._states[name] = machine.state

    def insert(self, group: ConsumerGroup) -> None:
        with self._lock:
            if group.name in self._states:
                raise refusals.group_taken(group.name)
            if len(self._states) >= MOST_GROUPS:
                raise refusals.too_many_groups()
            self._states[group.name] = GroupState(group)

    def remove(self, name: str) -> None:
        with self._lock:
            self._state(name)
            del self._states[name]

    def groups(self) -> Sequence[ConsumerGroup]:
        with self._lock:
            return tuple(self._states[name].group for name in sorted(self._states))

    def close(self) -> None:
        """Nothing is held."""

    def _state(self, name: str) -> GroupState:
        if name not in self._states:
            raise refusals.no_group(name, self._states)
        return self._states[name]
