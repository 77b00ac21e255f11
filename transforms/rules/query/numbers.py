"""Numeric text: which texts a query takes for numbers, and what they are worth."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["NUMBER", "read_number"]

NUMBER = r"^[ \t\r\n]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\r\n]*$"
"""Numeric text, in a dialect that Python and Rust's engine read alike (no line-end rule applies: the blanks take it)."""

_NUMBER = re.compile(NUMBER)
_EXPONENT = re.compile(r"(?<=[eE])([+-]?)0*[1-9][0-9]{8,}\Z")


def read_number(text: str) -> Decimal | None:
    """The exact number that a text holds, or None: digits, a point, an exponent, blanks around it; no words such as ``inf``."""
    if not _NUMBER.match(text):
        return None
    # No number that is written out has an exponent of ten digits; decimal arithmetic does not take it either.
    return Decimal(_EXPONENT.sub(r"\g<1>999999999", text.strip(" \t\r\n")))
