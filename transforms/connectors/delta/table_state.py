"""What the table itself says at its newest version, for those who otherwise follow its log."""

from __future__ import annotations

from transforms.connectors.delta.kept_table import KeptTable
from transforms.connectors.delta.shard_layout import layout_of
from transforms.connectors.delta.snapshot import active_files
from transforms.connectors.delta.storage import Storage
from transforms.stores.logstore import DataFile
from transforms.stores.shard_map import ShardMap

__all__ = ["TableState"]


class TableState:
    """One table.

    Args:
        storage: of its data files.
        table: as it was looked at last.
        initial: the shards of a table that was made before tables kept them.
    """

    def __init__(self, storage: Storage, table: KeptTable, initial: ShardMap) -> None:
        self._storage = storage
        self._table = table
        self._initial = initial

    def head(self) -> tuple[str, int, ShardMap]:
        """Its id, its version, its shards. Raises NotFound when there is none."""
        table = self._table.open()
        return str(table.metadata().id), int(table.version()), layout_of(table, self._initial)

    def files(self) -> list[DataFile]:
        """Its files, in commit order. Raises NotFound when there is none."""
        return active_files(self._storage, self._table.open())
