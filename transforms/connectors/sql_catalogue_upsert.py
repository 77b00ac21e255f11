"""One statement that inserts rows or changes those that there are, on every database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

__all__ = ["Upsert"]


class Upsert:
    """``changed`` tells what a column becomes of what it was and of what is given."""

    def __init__(self, table: sa.Table, changed: Callable[[Any, Any], Any]) -> None:
        columns = [column.name for column in table.columns if not column.primary_key]
        into_sqlite, into_mysql = sqlite.insert(table), mysql.insert(table)
        self._sqlite = into_sqlite.on_conflict_do_update(
            index_elements=list(table.primary_key), set_={name: changed(table.c[name], into_sqlite.excluded[name]) for name in columns}
        )
        self._mysql = into_mysql.on_duplicate_key_update({name: changed(table.c[name], into_mysql.inserted[name]) for name in columns})

    def __call__(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """All columns of each row."""
        if rows:
            connection.execute(self._sqlite if connection.dialect.name == "sqlite" else self._mysql, [dict(row) for row in rows])
