"""Putting the events that an operation worked on back among those it did not."""

from __future__ import annotations

import polars as pl

from transforms.rules.frame import Frame

__all__ = ["merge"]


def merge(parent: Frame, mask: pl.Series, after: Frame) -> Frame:
    """``parent`` with the rows of ``mask`` replaced by ``after``, which an operation made of ``parent.branch(mask)``.

    Three ways, from cheap to dear: only fields were written; some events were dropped as well; events were multiplied.
    """
    lineage = after.lineage
    if lineage is None:
        return _written(parent, mask, after)
    rows_of_mask = mask.arg_true().cast(pl.UInt32)
    rows = rows_of_mask.gather(lineage)
    if after.rows < 2 or bool((rows.cast(pl.Int64).diff(null_behavior="drop") > 0).all()):
        # Only dropped: with the parent cut in the same way, only fields were written.
        keep = ~mask
        if after.rows:
            keep = keep.scatter(rows, True)
        return _written(parent.select(keep), mask.filter(keep), after)
    return _interleaved(parent, mask, rows, after)


def _written(parent: Frame, mask: pl.Series, after: Frame) -> Frame:
    """The parent's rows as they are; what the operation wrote is laid into its columns."""
    merged = parent.copy()
    merged.state = parent.state
    places: pl.Series | None = None
    everything = bool(mask.all())
    for name in _in_order(after):
        new, old = after.column(name), parent.column(name)
        if everything or (new is None and old is None):
            if new is not None:
                merged.set(name, new)
            else:
                merged.remove(name)
            continue
        if new is None:
            assert old is not None
            merged.set(name, _where(~mask, old))
            continue
        if places is None:
            places = _places(mask)
        whole = new.gather(places)
        merged.set(name, (whole if old is None else whole.zip_with(mask, old)).alias(name))
    return merged


def _in_order(frame: Frame) -> list[str]:
    """The fields that were touched: those that are there in event order, then those taken out."""
    there = [name for name in frame.names() if name in frame.touched]
    return [*there, *sorted(frame.touched.difference(there))]


def _where(mask: pl.Series, series: pl.Series) -> pl.Series:
    return pl.select(pl.when(mask).then(series)).to_series().alias(series.name)


def _places(mask: pl.Series) -> pl.Series:
    """For each row of the mask its number among the true ones, null elsewhere."""
    return _where(mask, (mask.cast(pl.UInt32).cum_sum() - 1).cast(pl.UInt32))


def _interleaved(parent: Frame, mask: pl.Series, rows_of_after: pl.Series, after: Frame) -> Frame:
    """Rows of both, in the order of the parent's rows; what came from one row stays in its own order."""
    rest_mask = ~mask
    rest = parent.select(rest_mask)
    rows = pl.concat([rest_mask.arg_true().cast(pl.UInt32), rows_of_after])
    order = rows.to_frame("row").with_row_index("at").sort("row", "at")["at"]
    names = list(dict.fromkeys([*rest.names(), *after.names()]))
    columns: dict[str, pl.Series] = {}
    for name in names:
        if name not in after.touched and name not in parent.touched and not after.holds(name) and not parent.holds(name):
            continue  # the event time, which no step has written
        halves = [
            part if (part := half.column(name)) is not None else pl.Series(name, [None], pl.String).new_from_index(0, half.rows)
            for half in (rest, after)
        ]
        columns[name] = pl.concat([half.alias(name) for half in halves]).gather(order)
    origin = pl.concat([rest.origin, after.origin]).gather(order)
    merged = Frame.of(columns, len(rows), parent.state, origin)
    source_rows = rows.gather(order)
    merged.lineage = source_rows if parent.lineage is None else parent.lineage.gather(source_rows)
    merged.touched = parent.touched | after.touched
    return merged
