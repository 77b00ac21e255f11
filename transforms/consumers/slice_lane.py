"""The state machine of a lane of slices: what an owner may do next, and what a former owner may not any more."""

from __future__ import annotations

from dataclasses import replace

from transforms.core.errors import CommitConflict, ParameterInvalid
from transforms.stores.cursor import Cursor
from transforms.stores.slice import LaneState, Slice, SliceCounts

__all__ = ["SliceLane"]


class SliceLane:
    """One owner's hold of a lane.

    Args:
        state: changed in place.
        epoch: the owner's. Raises CommitConflict with code ``SliceTakenOver`` when a later owner was here.
    """

    def __init__(self, state: LaneState, epoch: int) -> None:
        if epoch < state.epoch:
            raise CommitConflict(
                f"a later owner has taken over (epoch {state.epoch} after {epoch})", hint="stop working on it", code="SliceTakenOver"
            )
        self._state = state
        state.epoch = epoch

    @property
    def unfinished(self) -> Slice | None:
        """The slice to go on with before there can be another."""
        return None if self._state.slice is None or self._state.slice.done else self._state.slice

    def begin(self, begin: Cursor, end: Cursor, rule: str) -> Slice:
        """The next slice, or the unfinished one: the same range, and as long as it has no intent the rule given now.

        Raises ParameterInvalid for a range that is empty or does not begin where the finished slices ended: logs would be lost or doubled.
        """
        if (found := self.unfinished) is not None:
            self._state.slice = found if found.intent else replace(found, rule=rule)
            return self._state.slice
        if not begin < end:
            raise ParameterInvalid("the slice is empty", hint="leave the shard out")
        if self._state.position is not None and begin != self._state.position:
            raise ParameterInvalid("the slice does not begin where the last one ended", hint="read on from there")
        number = 1 if self._state.slice is None else self._state.slice.number + 1
        self._state.slice = Slice(number, begin, end, rule)
        return self._state.slice

    def intend(self, number: int, intent: str, counts: SliceCounts) -> Slice:
        """Record the slice's intent, unless it has one: that one counts. Raises CommitConflict for a slice that is not the open one."""
        found = self._open(number)
        self._state.slice = found if found.intent else replace(found, intent=intent, counts=counts)
        return self._state.slice

    def finish(self, number: int) -> Slice:
        """Every target has its commit. Raises CommitConflict for a slice that is not the open one or has no intent."""
        found = self._open(number)
        if not found.intent:
            raise CommitConflict(f"slice {number} has no intent and cannot be finished", code="SliceNotIntended")
        self._state.slice = replace(found, done=True)
        self._state.position = found.end
        return self._state.slice

    def _open(self, number: int) -> Slice:
        found = self.unfinished
        if found is None or found.number != number:
            raise CommitConflict(f"slice {number} is not the open one", hint="begin again", code="SliceTakenOver")
        return found
