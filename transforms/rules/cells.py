"""The columns of a frame before they are needed: read when asked for, then kept.

A column is there already, or is one text for all events, or is some rows of a column of the frame that a frame was cut from. Cuts of
cuts are put together first, once for all columns, so that a column is copied once however often the frame was cut.
"""

from __future__ import annotations

import polars as pl

__all__ = ["NO_TEXT", "Cell", "Cut", "only_where", "row_numbers", "taken"]

NO_TEXT = pl.Series("", [None], pl.String)
"""One absent text; Polars stretches it to the length it meets."""


def taken(series: pl.Series, index: pl.Series) -> pl.Series:
    """The rows of a Boolean mask, or of row numbers."""
    return series.filter(index) if index.dtype == pl.Boolean else series[index]  # `gather` does the same in four times the time


def only_where(series: pl.Series, mask: pl.Series) -> pl.Series:
    """Texts where a mask without nulls holds, null elsewhere."""
    return series.zip_with(mask, NO_TEXT)


def row_numbers(mask: pl.Series) -> pl.Series:
    """The numbers of the rows that a mask holds for (UInt32)."""
    return pl.int_range(len(mask), dtype=pl.UInt32, eager=True).filter(mask)


class Cut:
    """Which rows were taken of a frame: a Boolean mask, or row numbers (UInt32, rows may repeat). Shared by the columns of the result."""

    __slots__ = ("_since", "index")

    def __init__(self, index: pl.Series) -> None:
        self.index = index
        self._since: dict[int, tuple[tuple[Cut, ...], pl.Series]] = {}

    def after(self, earlier: tuple[Cut, ...]) -> pl.Series:
        """The rows of the frame that the first of ``earlier`` cuts was made of."""
        if not earlier:
            return self.index
        key = len(earlier)
        known = self._since.get(key)
        if known is not None and all(a is b for a, b in zip(known[0], earlier, strict=True)):
            return known[1]
        index = _composed(earlier[-1].after(earlier[:-1]), self.index)
        self._since[key] = (earlier, index)
        return index


def _composed(first: pl.Series, second: pl.Series) -> pl.Series:
    if first.dtype != pl.Boolean:
        return taken(first, second)
    numbers = taken(row_numbers(first), second)
    if second.dtype != pl.Boolean:
        return numbers
    # A mask again: to filter a column is cheaper than to gather its rows.
    return pl.Series("", [False], pl.Boolean).new_from_index(0, len(first)).scatter(numbers, True)


class Cell:
    """One column of a frame: a series, or one text for all events (``constant``), or some rows of another cell."""

    __slots__ = ("_cut", "_parent", "_series", "constant")

    def __init__(
        self, series: pl.Series | None = None, *, constant: str | None = None, parent: Cell | None = None, cut: Cut | None = None
    ) -> None:
        self.constant = constant
        self._series = series
        self._parent = parent
        self._cut = cut

    def part(self, cut: Cut) -> Cell:
        """Some of the rows."""
        return self if self.constant is not None else Cell(parent=self, cut=cut)

    def get(self, rows: int) -> pl.Series:
        """The column; ``rows`` is the length of the frame that asks."""
        if self.constant is not None:
            return pl.Series("", [self.constant], pl.String).new_from_index(0, rows)
        if self._series is None:
            cuts: list[Cut] = []
            cell = self
            while cell._series is None:
                assert cell._cut is not None and cell._parent is not None
                cuts.append(cell._cut)
                cell = cell._parent
            self._series = taken(cell._series, cuts[0].after(tuple(reversed(cuts[1:]))))
            self._parent = self._cut = None
        return self._series

    def estimated_size(self, rows: int) -> int:
        """About how many bytes the column takes; does not make it."""
        if self.constant is not None:
            return (len(self.constant) + 16) * rows
        cell = self
        while cell._series is None:
            assert cell._parent is not None
            cell = cell._parent
        return int(cell._series.estimated_size()) * rows // max(len(cell._series), 1)
