"""str_reverse"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": "The text."},
    examples=[
        Example('str_reverse(v("a"))', {"a": "twish"}, "hsiwt"),
        Example('str_reverse("")', {}, ""),
        Example('str_reverse(v("missing"))', {}, error="None is not text"),
    ],
)
def str_reverse(value: Text) -> str:
    """Turns a text round, last character first.

    Code points change places, so a letter with a combining accent loses it to its neighbour.
    """
    return value[::-1]
