"""Side jobs of a writer: every so many versions of a table, whoever made that version compacts it and writes a checkpoint.

A number of the version decides, not a timer or a count of one process: many writers share the work, and of all of them
exactly one has it. A side job that fails is logged and leaves the commit, which was made before it, alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from deltalake import DeltaTable

from transforms.core.durable import durable
from transforms.stores.logstore import MaintenanceReport

__all__ = ["CHECKPOINT_EVERY", "COMPACT_EVERY", "Upkeep"]

CHECKPOINT_EVERY = 32
"""Versions between checkpoints: opening a table reads that many small files at most."""
COMPACT_EVERY = 64

_log = logging.getLogger(__name__)


class Upkeep:
    """Remembers that something is due, and does it when told to."""

    def __init__(self, name: str, open_table: Callable[[], DeltaTable], compact: Callable[[], MaintenanceReport]) -> None:
        self._name = name
        self._open = open_table
        self._compact = compact
        self._checkpoint_due = False
        self._compaction_due = False

    def notice(self, version: int) -> None:
        """This writer made a version."""
        self._checkpoint_due |= version % CHECKPOINT_EVERY == 0
        self._compaction_due |= version % COMPACT_EVERY == 0

    def run(self) -> None:
        """Do what is due. Raises nothing."""
        try:
            if self._compaction_due:
                self._compact()
            if self._checkpoint_due:
                table = self._open()
                with durable("logstore.checkpoint"):
                    table.create_checkpoint()
                    table.cleanup_metadata()
        except Exception as error:  # noqa: BLE001 - whatever it is, the logs are in, and their writer must not think otherwise
            _log.warning("upkeep of Logstore %r failed; the next one will do its work: %s", self._name, error)
        self._compaction_due = self._checkpoint_due = False
