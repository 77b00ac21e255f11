"""ct_hex"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Integer


@expression(
    "conversion",
    parameters={"value": "The integer."},
    examples=[
        Example('ct_hex(v("n"))', {"n": "123"}, "0x7b"),
        Example("ct_hex(-123)", {}, "-0x7b"),
        Example("ct_hex(0)", {}, "0x0"),
        Example('ct_hex(v("n"))', {"n": "7b"}, error="invalid literal for int() with base 10: '7b'"),
    ],
)
def ct_hex(value: Integer) -> str:
    """Writes an integer in the hexadecimal system.

    The result begins with the prefix ``0x``, after the sign if there is one. ``ct_int(text, base=16)`` is the way back.
    """
    return hex(value)
