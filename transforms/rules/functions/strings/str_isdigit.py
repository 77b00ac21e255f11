"""str_isdigit"""

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
        Example('str_isdigit(v("a"))', {"a": "1562741899"}, True),
        Example('str_isdigit(v("a"))', {"a": "-1"}, False),
        Example('str_isdigit("²")', {}, True),
        Example('str_isdigit("")', {}, False, title="The empty text"),
        Example('str_isdigit(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isdigit(value: Text) -> bool:
    """Tells whether a text consists of digits alone.

    Digits of all scripts count, and superscripts; signs and points do not. The empty text does not.
    """
    return value.isdigit()


@str_isdigit.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    return where(is_ascii(value), value, lambda texts: texts.str.contains(r"^[0-9]+$"), str.isdigit)
