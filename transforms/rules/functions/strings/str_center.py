"""str_center"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.strings._kinds import Character, Width
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "width": "How many characters the result has at least.",
        "fillchar": "The character that fills up.",
    },
    examples=[
        Example('str_center(v("a"), width=10, fillchar="*")', {"a": "mid"}, "***mid****"),
        Example('str_center("ab", 5)', {}, "  ab "),
        Example('str_center(v("a"), 3)', {"a": "abcdef"}, "abcdef", title="Long enough already"),
        Example('str_center("a", 10, "ab")', {}, error="one character is needed, not 2"),
        Example('str_center("a", 1000000000000)', {}, error="the most that one value may have"),
    ],
)
def str_center(value: Text, width: Width, fillchar: Character = " ") -> str:
    """Puts a text into the middle of a width.

    If the room left and right cannot be equal, an odd width has one more on the left, an even one on the right.
    """
    return value.center(width, fillchar)
