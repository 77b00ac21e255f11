"""Side jobs of a writer: every so many versions of a table, whoever made that version compacts it, writes a checkpoint, and so on.

A number of the version decides, not a timer or a count of one process: many writers share the work, and of all of them
exactly one has it. A side job that fails is logged and leaves the commit, which was made before it, alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["CHECKPOINT_EVERY", "COMPACT_EVERY", "TIDY_EVERY", "Chore", "Upkeep"]

CHECKPOINT_EVERY = 16
"""Versions between checkpoints of a small table: opening it reads that many entries at most."""
COMPACT_EVERY = 64
TIDY_EVERY = 512
"""Versions between retention and vacuum, which look at every file there is."""

_log = logging.getLogger(__name__)
S = TypeVar("S")
"""The store that is kept up."""


@dataclass(frozen=True)
class Chore(Generic[S]):
    """One side job at a store, due after each version whose number ``every`` divides."""

    every: int
    run: Callable[[S], object]


class Upkeep(Generic[S]):
    """Remembers which chores are due, and does them, in their order, when told to."""

    def __init__(self, name: str, chores: Sequence[Chore[S]]) -> None:
        self._name = name
        self._chores = chores
        self._due: set[int] = set()

    def notice(self, version: int) -> None:
        """This writer made a version."""
        self._due |= {number for number, chore in enumerate(self._chores) if version % chore.every == 0}

    def run(self, store: S) -> None:
        """Do what is due. Raises nothing."""
        # A chore may itself make a version: what falls due by it is done in this round or the next.
        due, self._due = sorted(self._due), set()
        for number in due:
            try:
                self._chores[number].run(store)
            except Exception as error:  # noqa: BLE001 - whatever it is, the logs are in, and their writer must not think otherwise
                _log.warning("upkeep of Logstore %r failed; the next one will do its work: %s", self._name, error)
