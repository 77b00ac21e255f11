"""Comparisons with numbers, exact and plain enough to be pushed into a Parquet scan."""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Decimal
from typing import Literal

from transforms.stores.index import DOUBLE_TEXT

__all__ = ["compare_sql", "parse_number"]

_LEAST, _GREATEST = -(2**63), 2**63 - 1


def parse_number(text: str) -> Decimal | None:
    """The number that the text is, by the rule for double fields; None when it is none."""
    return Decimal(text) if re.match(DOUBLE_TEXT, text) and "\n" not in text else None


def compare_sql(value: str, operator: str, number: Decimal, kind: Literal["long", "double"]) -> str:
    """``value operator number``; ``value`` is a BIGINT or DOUBLE expression."""
    if kind == "double":
        return f"{value} {operator} {_double(number)}"
    floor = int(number.to_integral_value(ROUND_FLOOR))
    if floor != number:
        # Between two integers: nothing is equal, and both ends move to the integer on their side.
        if operator == "=":
            return "false"
        operator, floor = (">", floor) if operator in (">", ">=") else ("<=", floor)
    if floor > _GREATEST or floor < _LEAST:
        always = (operator in ("<", "<=")) == (floor > _GREATEST) and operator != "="
        return f"{value} IS NOT NULL" if always else "false"
    # The lowest BIGINT is no literal: it would be a negated HUGEINT and widen the comparison.
    literal = str(floor) if floor > _LEAST else f"CAST('{floor}' AS BIGINT)"
    return f"{value} {operator} {literal}"


def _double(number: Decimal) -> str:
    value = float(number)
    if value in (float("inf"), float("-inf")):
        return f"CAST('{value}' AS DOUBLE)"
    text = repr(value)
    return text if "e" in text else f"{text}e0"
