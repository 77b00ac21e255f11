"""str_swapcase"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": "The text."},
    examples=[
        Example('str_swapcase(v("a"))', {"a": "This Is"}, "tHIS iS"),
        Example('str_swapcase("")', {}, ""),
        Example('str_swapcase(v("missing"))', {}, error="None is not text"),
    ],
)
def str_swapcase(value: Text) -> str:
    """Turns small letters into capital ones and capital ones into small ones.

    Twice does not always give the text back: ß becomes SS, then ss.
    """
    return value.swapcase()
