"""str_expandtabs"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.strings._kinds import Width
from transforms.rules.kinds import Text
from transforms.rules.limits import within_limit


@expression(
    "strings",
    parameters={"value": "The text.", "tabsize": "How many characters a column is wide."},
    examples=[
        Example('str_expandtabs(v("a"))', {"a": "this is\tstring"}, "this is string", title="To the next multiple of eight"),
        Example('str_expandtabs(v("a"), 4)', {"a": "a\tb"}, "a   b"),
        Example('str_expandtabs("a", 1000000000000)', {}, error="the most that one value may have"),
        Example('str_expandtabs(v("missing"))', {}, error="None is not text"),
    ],
)
def str_expandtabs(value: Text, tabsize: Width = 8) -> str:
    """Replaces tabs by blanks up to the next column.

    A tab reaches to the next multiple of the tab size, counted from the line's beginning. A size of 0 takes tabs out.
    """
    within_limit(len(value) + value.count("\t") * max(tabsize, 0))
    return value.expandtabs(tabsize)
