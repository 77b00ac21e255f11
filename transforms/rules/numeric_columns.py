"""Columns as numbers where that is exactly what the scalar forms' conversion gives; the rest is left to them.

Polars reads an integer or a float out of a text to the last bit as Python does, or not at all (blanks around a number, ``1_000`` and
digits of other scripts, which Python takes as well): texts that it does not read are not covered.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from transforms.rules.columns import Column, Fixed
from transforms.rules.function import Decline

__all__ = ["Numbers", "all_true", "floats", "integers"]

EXACT = 2**53
"""Up to this size every integer is a float."""


@dataclass(frozen=True)
class Numbers:
    """``series`` (Int64 or Float64) holds the numbers of the events in ``covered`` (no nulls in it)."""

    series: pl.Series
    covered: pl.Series


def integers(column: Column, rows: int, *, strict: bool = True) -> Numbers:
    """A column's integers of 64 bits. ``strict``: text must hold them (a Float64 column covers nothing otherwise)."""
    if isinstance(column, Fixed):
        value = _integer(column.value)
        if value is None:
            if strict or not isinstance(column.value, float | str):
                raise Decline
            return Numbers(pl.Series("", [0], pl.Int64).new_from_index(0, rows), ~all_true(rows))
        return Numbers(pl.Series("", [value], pl.Int64).new_from_index(0, rows), all_true(rows))
    if not isinstance(column, pl.Series) or column.dtype == pl.Boolean:
        raise Decline
    if column.dtype == pl.Float64:
        return Numbers(pl.Series("", [0], pl.Int64).new_from_index(0, rows), ~all_true(rows))
    found = column if column.dtype == pl.Int64 else column.cast(pl.Int64, strict=False)
    return Numbers(found, found.is_not_null())


def floats(column: Column, rows: int) -> Numbers:
    """A column as floats, integers among them as long as a float holds them exactly. NaN is not covered."""
    if isinstance(column, Fixed):
        value = column.value
        if isinstance(value, str):
            value = _number(value)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or value != value
            or (isinstance(value, int) and abs(value) > EXACT)
        ):
            raise Decline
        return Numbers(pl.Series("", [float(value)], pl.Float64).new_from_index(0, rows), all_true(rows))
    if not isinstance(column, pl.Series) or column.dtype == pl.Boolean:
        raise Decline
    if column.dtype == pl.Float64:
        return Numbers(column, column.is_not_nan().fill_null(False))
    if column.dtype == pl.Int64:
        return Numbers(column.cast(pl.Float64), (column.is_between(-EXACT, EXACT)).fill_null(False))
    whole = column.cast(pl.Int64, strict=False)
    small = whole.is_between(-EXACT, EXACT).fill_null(False)
    # The integer -0 is 0, the float is not.
    found = whole.cast(pl.Float64).zip_with(small, column.cast(pl.Float64, strict=False))
    # Text of digits alone is an integer, however long; what a float cannot hold of it is left to Python.
    pointed = column.str.contains("[.eE]").fill_null(False)
    return Numbers(found, found.is_not_nan().fill_null(False) & (small | pointed))


def all_true(rows: int) -> pl.Series:
    """A mask of all events."""
    return pl.Series("", [True], pl.Boolean).new_from_index(0, rows)


def _integer(value: object) -> int | None:
    if isinstance(value, str):
        value = _number(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    return None


def _number(text: str) -> int | float | None:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None
