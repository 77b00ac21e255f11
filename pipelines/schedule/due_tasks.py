"""When which task is to be looked at next: a heap of moments."""

from __future__ import annotations

import heapq
from itertools import count

__all__ = ["DueTasks", "TaskKey"]

TaskKey = tuple[str, str]
"""Project and name."""


class DueTasks:
    """Each task has one moment at most. Who has waited longest comes first, so that a task far behind does not hold up the others."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, TaskKey]] = []
        self._entries: dict[TaskKey, tuple[int, int]] = {}
        self._order = count()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: TaskKey, moment_us: int) -> None:
        """Look at it then, instead of when was said before."""
        entry = (moment_us, next(self._order))
        self._entries[key] = entry
        heapq.heappush(self._heap, (*entry, key))

    def hasten(self, key: TaskKey, moment_us: int) -> None:
        """Look at it then, unless it is to be looked at before."""
        if key not in self._entries or self._entries[key][0] > moment_us:
            self.put(key, moment_us)

    def next_moment(self) -> int | None:
        """When the first one is to be looked at, microseconds."""
        while self._heap and self._entries.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now_us: int) -> TaskKey | None:
        """The first one whose moment has come; it has none any more."""
        moment = self.next_moment()
        if moment is None or moment > now_us:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._entries[key]
        return key
