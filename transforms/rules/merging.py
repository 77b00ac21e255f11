"""Putting the events that an operation worked on back among those it did not."""

from __future__ import annotations

import numpy as np
import polars as pl

from transforms.core.field_columns import TIME
from transforms.rules.cells import NO_TEXT, only_where, row_numbers, taken
from transforms.rules.frame import Frame

__all__ = ["merge", "merged_rows"]


def merge(parent: Frame, mask: pl.Series, after: Frame) -> Frame:
    """``parent`` with the rows of ``mask`` replaced by ``after``, which an operation made of ``parent.branch(mask)``."""
    return merged_rows(parent, mask, after)[0]


def merged_rows(parent: Frame, mask: pl.Series, after: Frame) -> tuple[Frame, pl.Series | None]:
    """As `merge`, and which rows of the parent the result's rows were: a Boolean mask, row numbers, or None for "all of them".

    Three ways, from cheap to dear: only fields were written; some events were dropped as well; events were multiplied.
    """
    if not after.rows:
        keep = ~mask
        return parent.select(keep), keep
    lineage = after.lineage
    if lineage is None:
        return _written(parent, mask, after), None
    rows = taken(row_numbers(mask), lineage)
    if (rows.diff(null_behavior="drop") > 0).all():
        # Only dropped: with the parent cut in the same way, only fields were written.
        keep = (~mask).scatter(rows, True)
        return _written(parent.select(keep), mask.filter(keep), after), keep
    return _interleaved(parent, mask, rows, after)


def _written(parent: Frame, mask: pl.Series, after: Frame) -> Frame:
    """The parent's rows as they are; what the operation wrote is laid into its columns."""
    merged = parent.copy()
    places: pl.Series | None = None
    everything = bool(mask.all())
    for name in _in_order(after):
        text, old = after.constant(name), _own(parent, name)
        if everything and text is not None:
            merged.set_constant(name, text)
            continue
        if text is not None:
            merged.set(name, pl.Series("", [text], pl.String).zip_with(mask, NO_TEXT if old is None else old))
            continue
        new = _own(after, name)
        if everything or (new is None and old is None):
            if new is not None:
                merged.set(name, new)
            else:
                merged.remove(name)
            continue
        if new is None:
            assert old is not None
            merged.set(name, only_where(old, ~mask))
            continue
        if places is None:
            places = _places(mask)
        merged.set(name, taken(new, places).zip_with(mask, NO_TEXT if old is None else old))
    return merged


def _places(mask: pl.Series) -> pl.Series:
    """For each row that a mask holds for its number among those; for the others any that exists."""
    counts = np.cumsum(mask.to_numpy(), dtype=np.uint32)
    return pl.Series("", np.maximum(counts, 1) - 1)


def _in_order(frame: Frame) -> list[str]:
    """The fields that were touched: those that are there in event order, then those taken out."""
    there = [name for name in frame.names() if name in frame.touched]
    return [*there, *sorted(frame.touched.difference(there))]


def _own(frame: Frame, name: str) -> pl.Series | None:
    """A field's own column, or the event time; a receive time that is only read stays what it is."""
    return frame.column(name) if frame.holds(name) or name == TIME else None


def _interleaved(parent: Frame, mask: pl.Series, rows_of_after: pl.Series, after: Frame) -> tuple[Frame, pl.Series]:
    """Rows of both, in the order of the parent's rows; what came from one row stays in its own order."""
    others = row_numbers(~mask)
    rest = parent.select(others)
    rows = pl.concat([others, rows_of_after])
    # Two rising runs: a merging sort takes one pass.
    order = pl.Series("", np.argsort(rows.to_numpy(), kind="stable").astype(np.uint32))
    source_rows = taken(rows, order)
    merged = parent.select(source_rows)
    for name in _in_order(after):
        halves = [_own(half, name) for half in (rest, after)]
        if all(half is None for half in halves):
            merged.remove(name)
            continue
        whole = [
            (part if part is not None else NO_TEXT.new_from_index(0, half.rows)).alias(name)
            for part, half in zip(halves, (rest, after), strict=True)
        ]
        merged.set(name, taken(pl.concat(whole), order))
    return merged, source_rows
