"""str_isdecimal"""

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
        Example('str_isdecimal(v("a"))', {"a": "123٣"}, True),
        Example('str_isdecimal(v("a"))', {"a": "1²"}, False),
        Example('str_isdecimal("")', {}, False, title="The empty text"),
        Example('str_isdecimal(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isdecimal(value: Text) -> bool:
    """Tells whether a text consists of decimal digits alone.

    Decimal digits of all scripts count, superscripts do not. The empty text does not.
    """
    return value.isdecimal()


@str_isdecimal.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    return where(is_ascii(value), value, lambda texts: texts.str.contains(r"^[0-9]+$"), str.isdecimal)
