"""The table as it was looked at last: as long as nobody has committed since, a look costs no more than to see that.

Opening a table takes the library ten times as long as following it by one version, and a writer needs it for each file and each commit.
"""

from __future__ import annotations

import threading
import time

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from transforms.connectors.delta.log_files import GRACE_S, entry_path
from transforms.connectors.delta.storage import Storage
from transforms.connectors.delta.table import open_table

__all__ = ["KEPT_S", "KeptTable"]

KEPT_S = GRACE_S / 3
"""Seconds for which a table is followed before it is opened again. It needs all entries since the checkpoint that it was opened by; these
stay in the log for `GRACE_S` and longer."""
_MOST_UPDATES = 16
"""And so often: what the library holds of versions gone by stays little."""


class KeptTable(threading.local):
    """One table; each thread has its own of it.

    Args:
        storage: where it is; only one that can mark files has it kept.
        name: of the Logstore.
    """

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._table: DeltaTable | None = None
        self._mark: object = None
        self._updates = 0
        self._opened = 0.0

    def open(self) -> DeltaTable:
        """The table at its newest version, to be looked at right away: the next look changes it. Raises NotFound when there is none."""
        table = self._followed()
        if table is None:
            self._opened, self._updates = time.monotonic(), 0
            table = open_table(self._storage, self._name)
        self._keep(table)
        return table

    def take(self) -> DeltaTable:
        """The same, for the caller alone."""
        table = self.open()
        self._table = None
        return table

    def give_back(self, table: DeltaTable) -> None:
        """The table that was taken last, which has not changed but by its commit."""
        self._keep(table)

    def _keep(self, table: DeltaTable) -> None:
        self._mark = self._storage.mark(entry_path(table.version()))
        self._table = None if self._mark is None else table

    def _followed(self) -> DeltaTable | None:
        """None when it is not known, is another one, or it is time to open it again."""
        table, self._table = self._table, None
        if time.monotonic() - self._opened > KEPT_S:
            return None
        # The entry of its version is the very file that it was: nobody has deleted the table and made another.
        if table is None or self._storage.mark(entry_path(table.version())) != self._mark:
            return None
        if self._storage.mark(entry_path(table.version() + 1)) is None:
            return table
        self._updates += 1
        if self._updates > _MOST_UPDATES:
            return None
        try:
            table.update_incremental()
        except (DeltaError, OSError):
            return None  # opening it says what is the matter
        return table
