"""IPv4 addresses by columns."""

from __future__ import annotations

import polars as pl

from transforms.rules.columns import Column
from transforms.rules.function import Decline

__all__ = ["v4_numbers"]

_PART = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS = rf"^{_PART}(?:\.{_PART}){{3}}$"


def v4_numbers(column: Column) -> tuple[pl.Series, pl.Series]:
    """Numbers of the addresses that are IPv4, null for others, and the mask of those that are. Declines unless most are."""
    if not isinstance(column, pl.Series) or column.dtype != pl.String:
        raise Decline
    covered = column.str.contains(_ADDRESS).fill_null(False)
    if 2 * covered.sum() < len(column):
        raise Decline
    addresses = pl.select(pl.when(covered).then(column)).to_series()
    number = pl.Series("", [0], pl.Int64).new_from_index(0, len(column))
    for part in addresses.str.split_exact(".", 3).struct.unnest().get_columns():
        number = number * 256 + part.cast(pl.Int64)
    return number, covered
