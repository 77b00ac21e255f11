"""Tables of what resources give: filtered by queries, keyed, and made once for each version."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING

from transforms.rules.query import Query
from transforms.rules.table import Table

if TYPE_CHECKING:
    import polars as pl

    from transforms.stores.rule_resources import TableData

__all__ = ["filtered", "made_once", "with_asked"]

_MADE: dict[Hashable, tuple[weakref.ref[object], int, Table]] = {}


def made_once(data: TableData, what: Hashable, make: Callable[[], Table]) -> Table:
    """The same table as long as the data is the same; ``what`` is all that says how it is made.

    Data that nobody holds any more takes its table along.
    """
    kept = _MADE.get(what)
    if kept is not None and kept[0]() is data.table and kept[1] == data.version:
        return kept[2]
    table = make()
    _MADE[what] = (weakref.ref(data.table, lambda gone: _forget(what, gone)), data.version, table)
    return table


def _forget(what: Hashable, gone: weakref.ref[object]) -> None:
    kept = _MADE.get(what)
    if kept is not None and kept[0] is gone:
        _MADE.pop(what, None)


def with_asked(
    fields: tuple[tuple[str, str], ...], queries: tuple[Query | None, ...], more: str | None = None
) -> tuple[tuple[str, str], ...]:
    """The fields to pull: those of the table, and beside them what only queries (and ``more``) ask for."""
    names = {name for _, name in fields}
    asked = [name for query in queries if query is not None for name in query.names]
    asked.extend([more] if more is not None else [])
    return (*fields, *((name, name) for name in dict.fromkeys(asked) if name not in names))


def filtered(columns: Mapping[str, pl.Series], include: Query | None, exclude: Query | None) -> pl.Series:
    """Which rows the white list takes and the black list leaves (Boolean)."""
    import polars as pl

    source = Table(columns, case_insensitive=False)
    mask = pl.Series("", [True], pl.Boolean).new_from_index(0, source.rows) if include is None else include.mask(source, source.rows)
    return mask if exclude is None else mask & ~exclude.mask(source, source.rows)
