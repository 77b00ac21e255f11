"""ct_chr"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Integer


@expression(
    "conversion",
    parameters={"value": "The code point."},
    examples=[
        Example('ct_chr(v("n"))', {"n": "78"}, "N"),
        Example("ct_chr(26085)", {}, "日"),
        Example("ct_chr(0)", {}, "\x00"),
        Example('ct_chr(v("n"))', {"n": "1114112"}, error="there is no character 1114112"),
        Example("ct_chr(55296)", {}, error="there is no character 55296"),
    ],
)
def ct_chr(value: Integer) -> str:
    """Gives the character of a Unicode code point.

    Code points are 0 to 1114111 (0x10FFFF); 55296 to 57343 are no characters. ``ct_ord`` is the way back.
    """
    if not 0 <= value <= 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        raise ValueError(f"there is no character {value}")
    return chr(value)
