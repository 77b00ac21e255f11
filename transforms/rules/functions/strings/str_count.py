"""str_count"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Integer, Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "sub": "What is counted, literally.",
        "start": "Where to begin, counted from 0; negative from the end.",
        "end": "Where to stop, the character there not included; without it the end of the text.",
    },
    examples=[
        Example('str_count(v("a"), "i")', {"a": "this is really a string"}, 3),
        Example('str_count("aaaa", "aa")', {}, 2, title="Occurrences do not overlap"),
        Example('str_count("abcabc", "c", 0, 5)', {}, 1, title="Up to a position"),
        Example('str_count("abc", "c", end=1)', {}, error="takes 'end' by position only"),
        Example('str_count(v("missing"), "a")', {}, error="None is not text"),
    ],
)
def str_count(value: Text, sub: Text, start: Integer | None = None, end: Integer | None = None, /) -> int:
    """Counts how often a piece of text occurs.

    Arguments go by position only. Occurrences do not overlap. Start and end are positions of characters.
    """
    return value.count(sub, start, end)


@str_count.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    import polars as pl

    value, sub = call.text("value"), call.fixed("sub")
    if not sub or not isinstance(sub, str) or call.fixed("start") is not None or call.fixed("end") is not None:
        raise Decline
    return value.str.count_matches(sub, literal=True).cast(pl.Int64)
