"""A query over the columns of a frame or a table: `transforms.rules.query.scalar` for many logs at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

import polars as pl

from transforms.rules.cells import only_where, row_numbers
from transforms.rules.frame import RECEIVE_TAG
from transforms.rules.matching import by_distinct, matches
from transforms.rules.query.numbers import NUMBER
from transforms.rules.query.scalar import holds
from transforms.rules.query.tree import And, Comparison, Contains, Equals, Found, Node, Not, Or, Predicate, Range, Test, Wildcards

__all__ = ["Columns", "mask"]

_SPECIAL = frozenset(r"\.+*?()|[]{}^$")


class Columns(Protocol):
    """Logs as columns of text, null = the log does not have the field."""

    def names(self) -> list[str]:
        """Names of the fields."""
        ...

    def column(self, name: str) -> pl.Series | None:
        """A field's texts; None if no log has it."""
        ...


def mask(node: Node, source: Columns, rows: int) -> pl.Series:
    """Which logs a query looks for (Boolean, no null). Raises TimeoutError for a regular expression that takes too long."""
    if isinstance(node, Not):
        return ~mask(node.part, source, rows)
    if isinstance(node, And):
        found = mask(node.parts[0], source, rows)
        for part in node.parts[1:]:
            if not found.any():
                break
            found = found & mask(part, source, rows)
        return found
    if isinstance(node, Or):
        found = mask(node.parts[0], source, rows)
        for part in node.parts[1:]:
            if found.all():
                break
            found = found | mask(part, source, rows)
        return found
    assert isinstance(node, Test)
    if node.field is not None:
        texts = source.column(node.field)
        return _none(rows) if texts is None else _holds(node.predicate, texts)
    found = _none(rows)
    for name in dict.fromkeys([*source.names(), RECEIVE_TAG]):
        texts = source.column(name)
        if texts is not None:
            found = found | _holds(node.predicate, texts)
    return found


def _none(rows: int) -> pl.Series:
    return pl.Series("", [False], pl.Boolean).new_from_index(0, rows)


def _holds(predicate: Predicate, texts: pl.Series) -> pl.Series:
    if isinstance(predicate, Contains):
        return _contains(predicate, texts)
    if isinstance(predicate, Equals):
        literal = predicate.text.literal
        if literal is not None:
            return (texts == literal).fill_null(False)
        return _expression(predicate, rf"\A(?s:{_rust(predicate.text)})\z", texts)
    if isinstance(predicate, Found):
        return matches(texts, predicate.pattern, whole=False)
    return _numeric(predicate, texts)


def _contains(predicate: Contains, texts: pl.Series) -> pl.Series:
    text = predicate.text.inner
    if text.literal == "" or not any(text.pieces):
        return texts.is_not_null()
    if text.literal is not None:
        return texts.str.contains(text.literal, literal=True).fill_null(False)
    return _expression(predicate, f"(?s:{_rust(text)})", texts)


def _rust(text: Wildcards) -> str:
    return ".*".join("".join("." if part is None else _escaped(part) for part in piece) for piece in text.pieces)


def _escaped(character: str) -> str:
    return "\\" + character if character in _SPECIAL else character


def _expression(predicate: Predicate, expression: str, texts: pl.Series) -> pl.Series:
    try:
        return texts.str.contains(expression, strict=True).fill_null(False)
    except pl.exceptions.ComputeError:  # too large for Rust's engine, which has a limit of memory
        return by_distinct(texts, lambda text: holds(predicate, text))


# ── numbers ──────────────────────────────────────────────────────────────


def _numeric(predicate: Comparison | Range, texts: pl.Series) -> pl.Series:
    if isinstance(predicate, Comparison):
        return _compared(predicate, texts)
    found: pl.Series | None = None
    for sign, bound in ((">=", predicate.low), ("<=", predicate.high)):
        if bound is not None:
            side = _compared(Comparison(sign, bound), texts)
            found = side if found is None else found & side
    return texts.str.contains(NUMBER).fill_null(False) if found is None else found


def _floats(texts: pl.Series) -> pl.Series:
    """The numbers that texts hold, rounded; null for texts that are no numbers."""
    floats = texts.cast(pl.Float64, strict=False)
    # The engine takes words such as "inf" as well, and no blanks: few texts need a second look.
    odd = ~floats.is_finite().fill_null(False) & texts.is_not_null()
    if not odd.any():
        return floats
    rows = row_numbers(odd)
    others = texts.gather(rows)
    numbers = others.str.contains(NUMBER)
    return floats.scatter(rows, only_where(others, numbers).str.strip_chars(" \t\r\n").cast(pl.Float64, strict=False))


def _compared(comparison: Comparison, texts: pl.Series) -> pl.Series:
    """By floats; rounding keeps the order, so that only numbers that round to the bound's float need a second look."""
    floats = _floats(texts)
    bound = float(comparison.number)
    tied = (floats == bound).fill_null(False)
    if comparison.sign == "=":
        found = _none(len(texts))
    else:
        found = (floats > bound if comparison.sign in (">", ">=") else floats < bound).fill_null(False)
    if not tied.any():
        return found
    # Up to 15 digits a float stands for one decimal number alone, and the tie is one of the numbers themselves.
    if len(str(abs(comparison.number))) <= 15 and not 0 < abs(comparison.number) < Decimal("1e-30"):
        sure = (tied & (texts.str.len_bytes() <= 15) & ~texts.str.contains("[eE]")).fill_null(False)
    else:
        sure = _none(len(texts))
    if comparison.sign in ("=", ">=", "<="):
        found = found | sure
    unsure = tied & ~sure
    if unsure.any():
        left = only_where(texts, unsure)
        found = found | by_distinct(left, lambda text: holds(comparison, text))
    return found
