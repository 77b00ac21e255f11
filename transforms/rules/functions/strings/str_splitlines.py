"""str_splitlines"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Flag, Text


@expression(
    "strings",
    parameters={"value": "The text.", "keepends": "Whether the line ends stay in the pieces."},
    examples=[
        Example('str_splitlines(v("a"))', {"a": "ab c\n\nde\rkl\r\n"}, ["ab c", "", "de", "kl"]),
        Example('str_splitlines(v("a"), true)', {"a": "ab\r\nde"}, ["ab\r\n", "de"]),
        Example('str_splitlines("")', {}, []),
        Example('str_splitlines(v("missing"))', {}, error="None is not text"),
    ],
)
def str_splitlines(value: Text, keepends: Flag = False) -> list[str]:
    """Cuts a text into a list of lines.

    Lines end at line feed, carriage return or both, and at Unicode's other line ends (vertical tab, form feed, U+0085, U+2028,
    U+2029). A line end at the end of the text begins no further line.
    """
    return value.splitlines(keepends)
