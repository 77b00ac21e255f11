"""Logs by the shard that the value of a field chooses."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import polars as pl

from transforms.core.field_columns import OVERFLOW, column_of
from transforms.stores.shard import Shard, digits_of_key

__all__ = ["by_shard"]


def by_shard(frames: Iterable[pl.DataFrame], field: str, shards: Sequence[Shard]) -> dict[int | None, list[pl.DataFrame]]:
    """Parts of frames by the id of the shard (of some in the order of their ranges, without gaps) that holds the MD5 of each log's value
    of a field; None for logs that lack the field. Order stays."""
    begins = [shard.begin for shard in shards]
    found: dict[int | None, list[pl.DataFrame]] = {}
    for frame in frames:
        keys = _keys(frame, field)
        if keys is None:
            found.setdefault(None, []).append(frame)
            continue
        chosen = {key: shards[bisect_right(begins, int(digits_of_key(key), 16)) - 1].id for key in keys.drop_nulls().unique().to_list()}
        numbers = keys.replace_strict(chosen, default=None, return_dtype=pl.Int64)
        for number in numbers.unique(maintain_order=True).to_list():
            part = frame.filter(numbers.is_null() if number is None else (numbers == number).fill_null(value=False))
            found.setdefault(number, []).append(part)
    return found


def _keys(frame: pl.DataFrame, field: str) -> pl.Series | None:
    column = column_of(field)
    own = frame[column].cast(pl.String) if column in frame.columns else None
    if OVERFLOW not in frame.columns:
        return own
    rare = pl.Series([None if text is None else json.loads(text).get(field) for text in frame[OVERFLOW].to_list()], dtype=pl.String)
    return rare if own is None else own.zip_with(own.is_not_null(), rare)
