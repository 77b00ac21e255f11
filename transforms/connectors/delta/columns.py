"""Which fields have a column of their own, and the way to new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deltalake import DeltaTable

from transforms.connectors.delta.commit import Committer
from transforms.connectors.delta.table import STATISTICS, column_names, field
from transforms.core.field_columns import MAX_COLUMN_BYTES, ORIGIN, OVERFLOW, column_of, field_of, is_field_column, typed_column

__all__ = ["Columns"]


class Columns:
    """The columns a table has. They are never dropped, so what was seen once stays true.

    Args:
        committer: of the table.
        limit: how many fields get a column of their own; later ones share the overflow column.
    """

    def __init__(self, committer: Committer, limit: int) -> None:
        self._committer = committer
        self._limit = limit
        self._known: set[str] = set()

    def learn(self, table: DeltaTable) -> None:
        """Take the columns of a table just opened, and forget those of before: it may have been dropped and made again."""
        self._known = set(column_names(table))

    def admit(self, columns: Sequence[str], typed: Sequence[tuple[str, str]]) -> set[str]:
        """Make field columns, and the typed twins of those, part of the table; answers which field columns are.

        Fields beyond the limit or with too long a name are left out, and then the overflow column is there; fields with a
        typed twin get in beyond the limit. Raises CommitConflict when others change the table faster than this writer can.
        """
        taken, missing = self._choose(columns, typed)
        if missing:
            fresh: list[Any] = []

            def lacking(table: DeltaTable) -> Sequence[Any]:
                nonlocal fresh
                self.learn(table)
                fresh = self._choose(columns, typed)[1]
                return fresh

            self._committer.add_columns(lacking)
            taken, _ = self._choose(columns, typed)
            self._known.update(column.name for column in fresh)
        return taken

    def admit_origins(self) -> None:
        """Make origins part of a table that was made before there were any."""
        if ORIGIN not in self._known:
            self._committer.set_properties(STATISTICS)
            # The column comes last: where it is, all is done.
            self._committer.add_columns(lambda table: [] if ORIGIN in column_names(table) else [field(ORIGIN, "string")])
            self._known.add(ORIGIN)

    def _choose(self, columns: Sequence[str], typed: Sequence[tuple[str, str]]) -> tuple[set[str], list[Any]]:
        indexed = {column_of(name) for name, _ in typed}
        room = self._limit - sum(map(is_field_column, self._known))
        taken: set[str] = set()
        missing: list[Any] = []
        for column in sorted(columns, key=lambda column: column not in indexed):
            if column in self._known:
                taken.add(column)
            elif len(column.encode()) <= MAX_COLUMN_BYTES and (column in indexed or room > 0):
                room -= 1
                taken.add(column)
                missing.append(field(column, "string", field_of(column)))
        for name, kind in typed:
            twin = typed_column(name, kind)
            if twin not in self._known and column_of(name) in taken:
                missing.append(field(twin, kind, name))
        if len(taken) < len(columns) and OVERFLOW not in self._known:
            missing.append(field(OVERFLOW, "string"))
        return taken, missing
