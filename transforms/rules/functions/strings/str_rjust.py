"""str_rjust"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.strings._kinds import Character, Width
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "width": "How many characters the result has at least.",
        "fillchar": "The character that fills up.",
    },
    examples=[
        Example('str_rjust(v("a"), 8, "*")', {"a": "right"}, "***right"),
        Example('str_rjust(v("a"), 3)', {"a": "abcdef"}, "abcdef", title="Long enough already"),
        Example('str_rjust("a", 10, "ab")', {}, error="one character is needed, not 2"),
        Example('str_rjust("a", 1000000000000)', {}, error="the most that one value may have"),
    ],
)
def str_rjust(value: Text, width: Width, fillchar: Character = " ") -> str:
    """Fills a text up on the left.

    The text stands on the right; a text that is wide enough stays as it is.
    """
    return value.rjust(width, fillchar)


@str_rjust.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    value, width, fillchar = call.text("value"), call.fixed("width"), call.fixed("fillchar")
    # A wide column of a whole batch is more than a wide value.
    if not isinstance(width, int) or not isinstance(fillchar, str) or width > 10_000:
        raise Decline
    return value.str.pad_start(max(width, 0), fillchar)
