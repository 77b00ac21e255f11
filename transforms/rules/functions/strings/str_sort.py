"""str_sort"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Flag, Text


@expression(
    "strings",
    parameters={"value": "The text.", "reverse": "Whether the largest comes first."},
    examples=[
        Example('str_sort(v("a"))', {"a": "twish"}, "histw"),
        Example('str_sort(v("a"), true)', {"a": "twish"}, "wtsih"),
        Example('str_sort("bA a")', {}, " Aab", title="By code point: capital letters before small ones"),
        Example('str_sort(v("missing"))', {}, error="None is not text"),
    ],
)
def str_sort(value: Text, reverse: Flag = False) -> str:
    """Sorts the characters of a text.

    The order is that of Unicode's code points, not that of a language.
    """
    return "".join(sorted(value, reverse=reverse))
