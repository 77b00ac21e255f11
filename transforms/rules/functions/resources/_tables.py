"""Tables of what resources give: filtered by queries, keyed, and made once for each version."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING

from transforms.rules.query import Query
from transforms.rules.table import Table

if TYPE_CHECKING:
    import polars as pl

    from transforms.stores.rule_resources import TableData

__all__ = ["filtered", "made_once", "only", "with_asked"]


def made_once(data: TableData, what: Hashable, make: Callable[[TableData], Table]) -> Table:
    """The same table as long as the data is the same; ``what`` is all that says how it is made.

    Of newer data it is made, with its indexes, by who loads them.
    """

    def indexed(rows: TableData, older: Table | None) -> Table:
        table = make(rows)
        if older is not None:
            table.index_like(older)
        return table

    table: Table = data.made(what, indexed)
    return table


def with_asked(
    fields: tuple[tuple[str, str], ...], queries: tuple[Query | None, ...], more: str | None = None
) -> tuple[tuple[str, str], ...]:
    """The fields to pull: those of the table, and beside them what only queries (and ``more``) ask for."""
    names = {name for _, name in fields}
    asked = [name for query in queries if query is not None for name in query.names]
    asked.extend([more] if more is not None else [])
    return (*fields, *((name, name) for name in dict.fromkeys(asked) if name not in names))


def only(columns: Mapping[str, pl.Series], rows: pl.Series) -> dict[str, pl.Series]:
    """Some rows of columns; the columns themselves where all are taken, since a copy of millions of cells is not cheap."""
    return dict(columns) if rows.all() else {name: cells.filter(rows) for name, cells in columns.items()}


def filtered(columns: Mapping[str, pl.Series], include: Query | None, exclude: Query | None) -> pl.Series:
    """Which rows the white list takes and the black list leaves (Boolean)."""
    import polars as pl

    source = Table(columns, case_insensitive=False)
    mask = pl.Series("", [True], pl.Boolean).new_from_index(0, source.rows) if include is None else include.mask(source, source.rows)
    return mask if exclude is None else mask & ~exclude.mask(source, source.rows)
