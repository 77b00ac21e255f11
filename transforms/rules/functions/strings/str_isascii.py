"""str_isascii"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={"value": "The text."},
    examples=[
        Example('str_isascii(v("a"))', {"a": "abc!"}, True),
        Example('str_isascii(v("a"))', {"a": "é"}, False),
        Example('str_isascii("")', {}, True, title="The empty text"),
        Example('str_isascii(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isascii(value: Text) -> bool:
    """Tells whether a text consists of ASCII characters alone.

    The empty text does.
    """
    return value.isascii()


@str_isascii.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    value = call.text("value")
    return value.str.len_bytes() == value.str.len_chars()
