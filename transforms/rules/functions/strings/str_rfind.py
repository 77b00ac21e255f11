"""str_rfind"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Integer, Text


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "sub": "What is sought, literally.",
        "begin": "Where to begin, counted from 0; negative from the end.",
        "end": "Where to stop, the character there not included; without it the end of the text.",
    },
    examples=[
        Example('str_rfind(v("a"), "h")', {"a": "hello world, hi"}, 13),
        Example('str_rfind("hello", "l", 0, 3)', {}, 2, title="Up to a position"),
        Example('str_rfind("abc", "x")', {}, -1),
        Example('str_rfind("abc", "c", end=1)', {}, error="takes 'end' by position only"),
        Example('str_rfind(v("missing"), "a")', {}, error="None is not text"),
    ],
)
def str_rfind(value: Text, sub: Text, begin: Integer | None = None, end: Integer | None = None, /) -> int:
    """Gives the last position of a piece of text, or -1 if it does not occur.

    Arguments go by position only. The position is that of the piece's first character in the whole text, counted from 0.
    """
    return value.rfind(sub, begin, end)
