"""str_split"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.strings._kinds import Separator
from transforms.rules.kinds import Integer, Text


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "sep": "The text between the pieces; without it runs of white space.",
        "maxsplit": "How many cuts are made at most, from the left; -1: all.",
    },
    examples=[
        Example('str_split(v("a"), " ")', {"a": "hello  world"}, ["hello", "", "world"]),
        Example('str_split(v("a"))', {"a": "  hello  world "}, ["hello", "world"], title="At white space no piece is empty"),
        Example('str_split("a,b,c", ",", 1)', {}, ["a", "b,c"]),
        Example('str_split("", ",")', {}, [""]),
        Example('str_split(v("a"), "")', {"a": "x"}, error="empty separator"),
    ],
)
def str_split(value: Text, sep: Separator | None = None, maxsplit: Integer = -1) -> list[str]:
    """Cuts a text into a list of pieces.

    With a separator empty pieces stay; without one the text is cut at runs of white space and no piece is empty.
    """
    return value.split(sep, max(maxsplit, -1))
