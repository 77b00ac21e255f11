"""Numeric text: which texts a query takes for numbers, and what they are worth."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["NUMBER", "read_number"]

NUMBER = r"^[ \t\r\n]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?[ \t\r\n]*$"
"""A number in text, in a dialect that Python and Rust's engine read alike (no line-end rule applies: the blanks take it)."""

_NUMBER = re.compile(NUMBER)


def read_number(text: str) -> Decimal | None:
    """The exact number that a text holds, or None: digits, a point, an exponent, blanks around it; no words such as ``inf``."""
    return Decimal(text.strip(" \t\r\n")) if _NUMBER.match(text) else None
