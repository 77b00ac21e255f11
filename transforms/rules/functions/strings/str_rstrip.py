"""str_rstrip"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.strings._kinds import WHITE_SPACE
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={"value": "The text.", "chars": "The characters that are taken off, a set in any order; without it white space."},
    examples=[
        Example('str_rstrip(v("a"))', {"a": " a b  "}, " a b"),
        Example('str_rstrip(v("a"), "*")', {"a": "*a***"}, "*a"),
        Example('str_rstrip(v("a"))', {"a": "\t\n "}, "", title="Nothing but white space"),
        Example('str_rstrip(v("missing"))', {}, error="None is not text"),
    ],
)
def str_rstrip(value: Text, chars: Text | None = None) -> str:
    """Takes characters off the end of a text.

    `chars` is a set of characters, not a prefix or suffix. White space is what Unicode says: blank, tab, line ends, no-break space
    and others.
    """
    return value.rstrip(chars)


@str_rstrip.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    value, chars = call.text("value"), call.fixed("chars")
    return value.str.strip_chars_end(WHITE_SPACE if chars is None else chars) if chars != "" else value
