"""Comparisons by columns: text with text, numbers with numbers, text that holds numbers with numbers; the rest declines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from transforms.rules.columns import Arguments, Column, Fixed
from transforms.rules.function import Decline
from transforms.rules.numeric_columns import Numbers, all_true, floats, integers

__all__ = ["compare_columns", "equal_columns"]


def compare_columns(call: Arguments, operator: Callable[[Any, Any], Any]) -> Column:
    """`compare` by columns."""
    a, b = call.column("a"), call.column("b")
    if _is_text(a) and _is_text(b):
        left, right = call.text("a"), call.text("b")
        return call.completed(operator(left, right), left.is_not_null() & right.is_not_null())
    left_numbers, right_numbers = _pair(a, b, call.rows)
    return call.completed(operator(left_numbers.series, right_numbers.series), left_numbers.covered & right_numbers.covered)


def equal_columns(call: Arguments) -> pl.Series:
    """`equal` by columns, without nulls (None is equal to None alone)."""
    a, b = call.column("a"), call.column("b")
    if isinstance(a, Fixed):
        a, b = b, a
    if not isinstance(a, pl.Series):
        raise Decline
    if isinstance(b, Fixed):
        value: Any = b.value
        if value is None:
            return a.is_null()
        if a.dtype == pl.Float64 or not isinstance(value, str | bool | int):
            raise Decline
        if _dtype(value) != a.dtype:
            return ~all_true(call.rows)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return ~all_true(call.rows)
        return (a == value).fill_null(False)
    if not isinstance(b, pl.Series) or (a.dtype != b.dtype and pl.Float64 in (a.dtype, b.dtype)):
        raise Decline
    if a.dtype != b.dtype:
        return a.is_null() & b.is_null()
    same = a.eq_missing(b)
    return same & a.is_not_nan().fill_null(True) if a.dtype == pl.Float64 else same


def _pair(a: Column, b: Column, rows: int) -> tuple[Numbers, Numbers]:
    """Both as integers, if there is an integer wherever there is a value, otherwise both as floats."""
    if not (_is_numbers(a) or _is_numbers(b)):
        raise Decline
    left, right = integers(a, rows, strict=False), integers(b, rows, strict=False)
    if _covers(left, a) and _covers(right, b):
        return left, right
    return floats(a, rows), floats(b, rows)


def _covers(found: Numbers, column: Column) -> bool:
    """Whether integers were found wherever there is a value."""
    empty = column.null_count() if isinstance(column, pl.Series) else 0
    return int(found.covered.sum()) == len(found.covered) - empty


def _is_text(column: Column) -> bool:
    return isinstance(column.value, str) if isinstance(column, Fixed) else isinstance(column, pl.Series) and column.dtype == pl.String


def _is_numbers(column: Column) -> bool:
    if isinstance(column, Fixed):
        return isinstance(column.value, int | float) and not isinstance(column.value, bool)
    return isinstance(column, pl.Series) and column.dtype in (pl.Int64, pl.Float64)


def _dtype(value: str | bool | int) -> Any:
    return pl.Boolean if isinstance(value, bool) else pl.String if isinstance(value, str) else pl.Int64
