"""The tables of rules: rows of text kept as columns, with indexes that are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.lookup import Lookup
    from transforms.stores.rule_resources import TableData

__all__ = ["Table"]


class Table:
    """Rows of text in their order; a cell may be null (an SQL NULL). Immutable but for its indexes.

    Args:
        columns: name → texts.
        case_insensitive: keys, and names of columns that do not fit exactly, are compared without regard to case.
        primary_keys: columns by which rows are told apart: of several rows with the same key only the last is kept.

    Raises ValueError for a primary key that is no column.
    """

    __slots__ = ("_columns", "_compared", "_lookups", "_names", "case_insensitive", "primary_keys", "rows")

    def __init__(self, columns: Mapping[str, pl.Series], *, case_insensitive: bool = True, primary_keys: Sequence[str] = ()) -> None:
        self._columns = dict(columns)
        self.case_insensitive = case_insensitive
        self._names = {name.casefold(): name for name in reversed(self._columns)} if case_insensitive else {}
        self._compared: dict[str, pl.Series] = {}
        self._lookups: dict[tuple[str, ...], Lookup] = {}
        self.primary_keys = tuple(self.named(name, "primary key") for name in primary_keys)
        if self.primary_keys:
            self._columns = _last_rows(self._columns, self.primary_keys)
        self.rows = len(next(iter(self._columns.values()))) if self._columns else 0

    @staticmethod
    def of(data: TableData, **options: Any) -> Table:
        """From what a resource gave; ``options`` as for the constructor."""
        return Table(columns_of(data), **options)

    def __repr__(self) -> str:
        return f"<Table of {self.rows:,} rows: {', '.join(self._columns)}>"

    def names(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self._columns)

    def column(self, name: str) -> pl.Series | None:
        """The cells of a column; None if there is no column of just this name."""
        return self._columns.get(name)

    def named(self, name: str, what: str) -> str:
        """The name of the column that is meant. Raises ValueError if there is none; ``what`` says what it is for."""
        if name in self._columns:
            return name
        found = self._names.get(name.casefold())
        if found is None:
            raise ValueError(f"trans_comp_lookup: {what} {name} doesn't exist in lookup table; its columns are: {', '.join(self._columns)}")
        return found

    def first(self, keys: Sequence[str], values: Sequence[str]) -> int | None:
        """The first row whose cells in the columns ``keys`` equal the values; a cell ``*`` equals anything."""
        import polars as pl

        mask = pl.Series("", [True], pl.Boolean).new_from_index(0, self.rows)
        for key, value in zip(keys, values, strict=True):
            cells = self._comparable(key)
            mask = mask & ((cells == (value.casefold() if self.case_insensitive else value)) | (cells == "*")).fill_null(False)
        rows = mask.arg_true()
        return int(rows[0]) if len(rows) else None

    def find(self, keys: Sequence[str], values: Sequence[pl.Series]) -> pl.Series:
        """`first` for columns of values (one series for each key): row numbers (UInt32), null where no row fits or a value is null.

        Raises ValueError for keys that no index can be made for (`Lookup`).
        """
        from transforms.rules.lookup import Lookup, folded

        kept = tuple(keys)
        if kept not in self._lookups:
            self._lookups[kept] = Lookup([self._comparable(key) for key in kept])
        return self._lookups[kept].find([folded(value) for value in values] if self.case_insensitive else values)

    def index_like(self, older: Table) -> None:
        """Make the indexes by which an older table is looked up, before anybody waits for them."""
        import polars as pl

        for keys in list(older._lookups):
            if all(key in self._columns for key in keys):
                self.find(keys, [pl.Series("", [], pl.String)] * len(keys))

    def cell(self, row: int, name: str) -> str | None:
        """One cell."""
        value: str | None = self._columns[name][row]
        return value

    def _comparable(self, key: str) -> pl.Series:
        """The cells of a column as they are compared."""
        if not self.case_insensitive:
            return self._columns[key]
        if key not in self._compared:
            from transforms.rules.lookup import folded

            self._compared[key] = folded(self._columns[key])
        return self._compared[key]


def columns_of(data: TableData) -> dict[str, pl.Series]:
    """The columns of what a resource gave, as text."""
    import polars as pl

    frame = pl.from_arrow(data.table)
    assert isinstance(frame, pl.DataFrame)
    return {series.name: series.cast(pl.String) for series in frame}


def _last_rows(columns: Mapping[str, pl.Series], keys: Sequence[str]) -> dict[str, pl.Series]:
    import polars as pl

    frame = pl.DataFrame({str(number): columns[key] for number, key in enumerate(keys)}).with_row_index("row")
    rows = frame.unique([str(number) for number in range(len(keys))], keep="last", maintain_order=True)["row"]
    return dict(columns) if len(rows) == len(frame) else {name: series.gather(rows) for name, series in columns.items()}
