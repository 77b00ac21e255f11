"""str_endswith"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.strings._kinds import Affix
from transforms.rules.kinds import Integer, Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "affix": "What it ends with, or a tuple of such texts.",
        "start": "Where to begin, counted from 0; negative from the end.",
        "end": "Where to stop, the character there not included; without it the end of the text.",
    },
    examples=[
        Example('str_endswith(v("a"), "b")', {"a": "ab"}, True),
        Example('str_endswith(v("a"), "a")', {"a": "ab"}, False),
        Example('str_endswith(v("a"), ("x", "b"))', {"a": "ab"}, True, title="One of several"),
        Example('str_endswith("xaby", "b", 1, 3)', {}, True, title="Between two positions"),
        Example('str_endswith("abc", "c", end=1)', {}, error="takes 'end' by position only"),
        Example('str_endswith(v("missing"), "a")', {}, error="None is not text"),
    ],
)
def str_endswith(value: Text, affix: Affix, start: Integer | None = None, end: Integer | None = None, /) -> bool:
    """Tells whether a text ends with a piece of text.

    Arguments go by position only. Of a tuple one is enough; every text ends with the empty one. Start and end cut the text before it is looked at.
    """
    return value.endswith(affix, start, end)


@str_endswith.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    value, affix = call.text("value"), call.fixed("affix")
    affixes = affix if isinstance(affix, tuple) else (affix,)
    if not affixes or None in affixes or call.fixed("start") is not None or call.fixed("end") is not None:
        raise Decline
    found = value.str.ends_with(affixes[0])
    for one in affixes[1:]:
        found = found | value.str.ends_with(one)
    return found
