"""Operands of a calculation by columns: all of them as integers, or all of them as floats, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from transforms.rules.columns import Column
from transforms.rules.numeric_columns import floats, integers

__all__ = ["Operands", "divisible", "operands"]


@dataclass(frozen=True)
class Operands:
    """``series`` are all Int64 or all Float64; ``covered`` has the events that they hold for."""

    series: tuple[pl.Series, ...]
    covered: pl.Series
    are_integers: bool


def operands(columns: Sequence[Column], rows: int, *, most: int = 2**62) -> Operands:
    """Columns as numbers. Events whose operands are all integers (between ``-most`` and ``most``) are covered by integers, or, where these
    are few, the others by floats: an integer result and a float result never share a column. Declines for other columns."""
    whole = [integers(column, rows, strict=False) for column in columns]
    integral = _all([one.covered for one in whole])
    if 2 * int(integral.sum()) >= rows:
        inside = [one.series.is_between(-most, most).fill_null(False) for one in whole]
        return Operands(tuple(one.series for one in whole), integral & _all(inside), True)
    fractional = [floats(column, rows) for column in columns]
    return Operands(tuple(one.series for one in fractional), _all([one.covered for one in fractional]) & ~integral, False)


def divisible(columns: Sequence[Column], rows: int) -> Operands:
    """Two columns of integers whose quotient is an integer that fits; the divisor is not zero in ``covered``. Declines for floats."""
    found = operands(columns, rows)
    if not found.are_integers:
        return Operands(found.series, found.covered & False, False)
    return Operands(found.series, found.covered & (found.series[1] != 0).fill_null(False), True)


def _all(masks: Sequence[pl.Series]) -> pl.Series:
    together = masks[0]
    for mask in masks[1:]:
        together = together & mask
    return together
