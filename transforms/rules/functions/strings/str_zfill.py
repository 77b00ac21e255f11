"""str_zfill"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.strings._kinds import Width
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": "The text.", "width": "How many characters the result has at least."},
    examples=[
        Example('str_zfill(v("a"), 6)', {"a": "42"}, "000042"),
        Example('str_zfill("-42", 6)', {}, "-00042", title="A sign stays in front"),
        Example('str_zfill("abc", 5)', {}, "00abc"),
        Example('str_zfill("1", 1000000000000)', {}, error="the most that one value may have"),
    ],
)
def str_zfill(value: Text, width: Width) -> str:
    """Fills a text up with zeros on the left, after a sign.

    Texts that are no numbers are filled up as well.
    """
    return value.zfill(width)
