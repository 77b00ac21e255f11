"""str_isnumeric"""

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
        Example('str_isnumeric(v("a"))', {"a": "12½五"}, True),
        Example('str_isnumeric(v("a"))', {"a": "1.5"}, False),
        Example('str_isnumeric("")', {}, False, title="The empty text"),
        Example('str_isnumeric(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isnumeric(value: Text) -> bool:
    """Tells whether a text consists of numeric characters alone.

    These are digits of all scripts, fractions such as ½ and characters that stand for numbers; signs and points do not count. The empty text does not.
    """
    return value.isnumeric()


@str_isnumeric.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    return where(is_ascii(value), value, lambda texts: texts.str.contains(r"^[0-9]+$"), str.isnumeric)
