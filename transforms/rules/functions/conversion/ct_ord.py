"""ct_ord"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text


@expression(
    "conversion",
    parameters={"value": "One character."},
    examples=[
        Example('ct_ord(v("c"))', {"c": "a"}, 97),
        Example('ct_ord("日")', {}, 26085),
        Example("ct_ord(7)", {}, 55, title="A number is converted to text first"),
        Example('ct_ord(v("c"))', {"c": "ab"}, error="one character is needed, not 2"),
        Example('ct_ord(v("c"))', {"c": ""}, error="one character is needed, not 0"),
    ],
)
def ct_ord(value: Text) -> int:
    """Gives the Unicode code point of a character.

    The text has exactly one character. ``ct_chr`` is the way back.
    """
    if len(value) != 1:
        raise ValueError(f"one character is needed, not {len(value)}")
    return ord(value)
