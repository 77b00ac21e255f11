"""ct_bin"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Integer


@expression(
    "conversion",
    parameters={"value": "The integer."},
    examples=[
        Example('ct_bin(v("n"))', {"n": "123"}, "0b1111011"),
        Example("ct_bin(-123)", {}, "-0b1111011"),
        Example("ct_bin(0)", {}, "0b0"),
        Example('ct_bin(v("n"))', {"n": "7b"}, error="invalid literal for int() with base 10: '7b'"),
    ],
)
def ct_bin(value: Integer) -> str:
    """Writes an integer in the binary system.

    The result begins with the prefix ``0b``, after the sign if there is one. ``ct_int(text, base=2)`` is the way back.
    """
    return bin(value)
