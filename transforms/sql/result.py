"""The rows of a statement: from the engine as Python values when they are few and plain, as an Arrow table otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.sql.values import plain_rows, plain_value

__all__ = ["PLAIN_TYPES", "QueryResult", "Rows"]

PLAIN_TYPES = frozenset({"bigint", "double", "boolean", "varchar", "json", "decimal", "timestamp", "date", "time", "varbinary"})
"""Types whose Python values tell their type: a row and a map would both come as a dictionary."""


@dataclass(frozen=True)
class Rows:
    """Rows in one of two shapes: ``table``, an Arrow table, or ``values``, a tuple of Python values for each row."""

    table: Any = None
    values: Sequence[tuple[Any, ...]] = ()

    def __len__(self) -> int:
        return len(self.values) if self.table is None else int(self.table.num_rows)

    def plain(self) -> Iterator[list[Any]]:
        """The rows as lists of plain JSON values (`transforms.sql.values`)."""
        if self.table is None:
            return ([plain_value(value) for value in row] for row in self.values)
        return plain_rows(self.table)


@dataclass(frozen=True)
class QueryResult:
    """``rows_read``: logs in the files that were read; ``seconds``: from the plan to the rows."""

    rows: Rows
    rows_read: int
    seconds: float
