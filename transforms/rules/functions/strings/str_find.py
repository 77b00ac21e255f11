"""str_find"""

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
        "sub": "What is sought, literally.",
        "begin": "Where to begin, counted from 0; negative from the end.",
        "end": "Where to stop, the character there not included; without it the end of the text.",
    },
    examples=[
        Example('str_find(v("a"), "h")', {"a": "hello world, hi"}, 0),
        Example('str_find(v("a"), "h", 1)', {"a": "hello world, hi"}, 13, title="From a position on"),
        Example('str_find(v("a"), "l")', {"a": "über alles"}, 6),
        Example('str_find("abc", "x")', {}, -1),
        Example('str_find("abc", "c", end=1)', {}, error="takes 'end' by position only"),
        Example('str_find(v("missing"), "a")', {}, error="None is not text"),
    ],
)
def str_find(value: Text, sub: Text, begin: Integer | None = None, end: Integer | None = None, /) -> int:
    """Gives the first position of a piece of text, or -1 if it does not occur.

    Arguments go by position only. The position is that in the whole text, counted from 0, also when the search begins later.
    """
    return value.find(sub, begin, end)


@str_find.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.text_columns import is_ascii, where

    value, sub = call.text("value"), call.fixed("sub")
    if not isinstance(sub, str) or call.fixed("begin") is not None or call.fixed("end") is not None:
        raise Decline

    def columnar(texts: pl.Series) -> pl.Series:
        found = texts.str.find(sub, literal=True).cast(pl.Int64)
        return found.fill_null(-1).set(texts.is_null(), None)

    # The engine counts bytes.
    return where(is_ascii(value), value, columnar, lambda text: text.find(sub))
