"""op_pow"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import check_bits
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The base.", "b": "The exponent."},
    examples=[
        Example('op_pow(v("a"), v("b"))', {"a": "100", "b": "2"}, 10000),
        Example("op_pow(2, -1)", {}, 0.5, title="A negative exponent gives a float"),
        Example("op_pow(2.5, 2)", {}, 6.25),
        Example("op_pow(-8, 0.5)", {}, error="math domain error"),
        Example("op_pow(9, 1000000)", {}, error="the result would have more than 10,000 digits"),
    ],
)
def op_pow(a: Number, b: Number) -> int | float:
    """Raises a number to a power.

    Text that holds numbers is converted. Integers with an exponent of zero or more give an integer, of 10,000 digits at most; all else
    gives a float.
    """
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        if abs(a) > 1:
            check_bits((abs(a).bit_length() - 1) * b)
        return int(a**b) if abs(a) > 1 else _of_one(a, b)
    if a == 0 and b < 0:
        raise ZeroDivisionError("zero cannot be raised to a negative power")
    try:
        result: complex = float(a) ** float(b)
    except OverflowError:
        raise ValueError("math range error") from None
    if isinstance(result, complex):
        raise ValueError("math domain error: a negative number has no fractional powers")
    return result


def _of_one(a: int, b: int) -> int:
    """Powers of -1, 0 and 1, whatever the exponent."""
    if b == 0:
        return 1
    return int(a) if b % 2 else abs(a)
