"""Logs that were parsed one by one, as data frames: bounded by cells, so that logs with ever new names stay small in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from transforms.core.field_columns import column_of
from transforms.formats.records import ROW

__all__ = ["MAX_CELLS", "frames_of_rows"]

MAX_CELLS = 2_000_000


def frames_of_rows(rows: Sequence[int], logs: Sequence[Mapping[str, str]], max_cells: int = MAX_CELLS) -> list[pl.DataFrame]:
    """Frames of at most about ``max_cells`` cells, logs in order, each frame with the fields its logs have."""
    frames: list[pl.DataFrame] = []
    begin, names = 0, dict[str, None]()
    for i, log in enumerate(logs):
        names.update(dict.fromkeys(log))
        if (i + 1 - begin) * len(names) > max_cells:
            frames.append(_frame(rows[begin : i + 1], logs[begin : i + 1], list(names)))
            begin, names = i + 1, {}
    if begin < len(logs):
        frames.append(_frame(rows[begin:], logs[begin:], list(names)))
    return frames


def _frame(rows: Sequence[int], logs: Sequence[Mapping[str, str]], names: Sequence[str]) -> pl.DataFrame:
    columns = {ROW: pl.Series(rows, dtype=pl.Int64)}
    for name in names:
        columns[column_of(name)] = pl.Series([log.get(name) for log in logs], dtype=pl.String)
    return pl.DataFrame(columns)
