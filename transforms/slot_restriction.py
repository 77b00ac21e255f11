"""A slot: one consumer of a consumer group inside a streaming pipeline, as the restriction of a splittable DoFn that never ends by itself.

A runner keeps a slot between two calls and gives it back after a crash as it was when its last checkpoint was made. So what a slot knows
(its name in the group, how far it has come) lives in the restriction and nowhere else.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from apache_beam import coders
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.transforms.core import RestrictionProvider

__all__ = ["OVER", "Slot", "SlotName", "SlotTracker", "Slots"]


@dataclass(frozen=True)
class Slot:
    """What a slot is.

    Attributes:
        consumer: its name in the group, drawn once: a slot that is restored is the same consumer.
        incarnation: stands for it behind that name.
        memory: what it knows; the DoFn's own.
        turn: how often it has been called. A runner calls it here and there, and sets it back: what a process remembers of a slot is
            outdated unless the slot comes with the turn that follows.
        over: it has nothing more to do.
    """

    consumer: str
    incarnation: str
    memory: Any = None
    turn: int = 0
    over: bool = False


OVER = object()
"""Claimed by a slot that ends."""


class SlotTracker(RestrictionTracker):
    """Each claim is what the slot knows from then on. It is split only to go on later, never to share its work: the group does that."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._left = False

    def current_restriction(self) -> Slot:
        return self._slot

    def try_claim(self, position: Any) -> bool:
        if self._left or self._slot.over:
            return False
        self._slot = replace(self._slot, over=True) if position is OVER else replace(self._slot, memory=position)
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[Slot, Slot] | None:
        if fraction_of_remainder != 0 or self._left or self._slot.over:
            return None
        later, self._left = replace(self._slot, turn=self._slot.turn + 1), True
        self._slot = replace(self._slot, over=True)
        return self._slot, later

    def check_done(self) -> None:
        if not self._slot.over:
            raise ValueError("a slot went neither on nor to its end")

    def current_progress(self) -> RestrictionProgress:
        done = 1.0 if self._slot.over else 0.0
        return RestrictionProgress(completed=done, remaining=1.0 - done)

    def is_bounded(self) -> bool:
        return False


class SlotName(NamedTuple):
    """A slot before it is one: the beginning of its name, or, with an ``incarnation``, its whole name."""

    name: str
    incarnation: str = ""


class Slots(RestrictionProvider):
    """Makes slots of names; what a name lacks is drawn."""

    def initial_restriction(self, element: SlotName) -> Slot:
        if element.incarnation:
            return Slot(element.name, element.incarnation)
        return Slot(f"{element.name}-{uuid.uuid4().hex[:12]}", uuid.uuid4().hex)

    def create_tracker(self, restriction: Slot) -> SlotTracker:
        return SlotTracker(restriction)

    def restriction_size(self, element: SlotName, restriction: Slot) -> float:
        del element
        return 0.0 if restriction.over else 1.0

    def restriction_coder(self) -> coders.Coder:
        return coders.PickleCoder()

    def truncate(self, element: SlotName, restriction: Slot) -> Slot | None:
        del element, restriction
        return None
