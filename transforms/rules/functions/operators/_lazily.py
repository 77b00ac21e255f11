"""Operands that are evaluated only for the events that reach them."""

from __future__ import annotations

import polars as pl

from transforms.rules.columns import Column, Fixed, series, together
from transforms.rules.expressions import Expression
from transforms.rules.frame import Frame
from transforms.rules.numeric_columns import all_true

__all__ = ["first_given", "held"]


def held(frame: Frame, expression: Expression, where: pl.Series) -> pl.Series:
    """For which events of a mask a condition holds; the others are not evaluated and stay false."""
    if where.all():
        return expression.mask(frame)
    if not where.any():
        return where
    inside = where.arg_true().filter(expression.mask(frame.select(where)))
    return pl.zeros(frame.rows, pl.Boolean, eager=True).scatter(inside, True)


def first_given(frame: Frame, expressions: list[Expression]) -> Column:
    """For each event the first value that is not None; later operands are evaluated for the events that still have none."""
    found = expressions[0].column(frame)
    for expression in expressions[1:]:
        missing = _missing(found, frame.rows)
        if not missing.any():
            break
        if missing.all():
            found = expression.column(frame)
            continue
        present = ~missing
        whole = series(found, frame.rows)
        kept: Column = whole.filter(present) if isinstance(whole, pl.Series) else [value for value in whole if value is not None]
        found = together([present, missing], [kept, expression.column(frame.select(missing))])
    return found


def _missing(column: Column, rows: int) -> pl.Series:
    if isinstance(column, Fixed):
        return all_true(rows) if column.value is None else ~all_true(rows)
    if isinstance(column, list):
        return pl.Series("", [value is None for value in column], pl.Boolean)
    return column.is_null()
