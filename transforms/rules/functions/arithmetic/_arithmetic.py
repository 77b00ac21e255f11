"""What the arithmetic functions share: messages for what has no result, and how large an integer may become."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MOST_BITS", "MOST_DIGITS", "check_bits", "check_divisor", "in_floats"]

MOST_DIGITS = 10_000
"""Longest integer that a calculation makes, in decimal digits."""
MOST_BITS = 33_219
"""The same in binary digits."""


def check_bits(bits: int) -> None:
    """Raises ValueError if an integer of so many binary digits would be too long."""
    if bits > MOST_BITS:
        raise ValueError(f"the result would have more than {MOST_DIGITS:,} digits")


def check_divisor(a: int | float, b: int | float) -> None:
    """Raises ZeroDivisionError for a divisor of zero."""
    if b == 0:
        kind = "float" if isinstance(a, float) or isinstance(b, float) else "integer"
        raise ZeroDivisionError(f"{kind} division or modulo by zero")


def in_floats(calculate: Callable[..., float], *numbers: int | float) -> float:
    """A function of Python's ``math`` over floats.

    Raises ValueError ``math domain error`` where it is not defined, ``math range error`` where a float cannot hold the result.
    """
    try:
        return calculate(*map(float, numbers))
    except ValueError:
        raise ValueError("math domain error") from None
    except OverflowError:
        raise ValueError("math range error") from None
