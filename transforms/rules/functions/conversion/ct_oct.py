"""ct_oct"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Integer


@expression(
    "conversion",
    parameters={"value": "The integer."},
    examples=[
        Example('ct_oct(v("n"))', {"n": "123"}, "0o173"),
        Example("ct_oct(-123)", {}, "-0o173"),
        Example("ct_oct(0)", {}, "0o0"),
        Example('ct_oct(v("n"))', {"n": "7b"}, error="invalid literal for int() with base 10: '7b'"),
    ],
)
def ct_oct(value: Integer) -> str:
    """Writes an integer in the octal system.

    The result begins with the prefix ``0o``, after the sign if there is one. ``ct_int(text, base=8)`` is the way back.
    """
    return oct(value)
