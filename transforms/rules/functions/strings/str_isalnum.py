"""str_isalnum"""

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
        Example('str_isalnum(v("a"))', {"a": "abc1é"}, True),
        Example('str_isalnum(v("a"))', {"a": "a b"}, False),
        Example('str_isalnum("")', {}, False, title="The empty text"),
        Example('str_isalnum(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isalnum(value: Text) -> bool:
    """Tells whether a text consists of letters and digits alone.

    Letters and digits of all scripts count. The empty text does not.
    """
    return value.isalnum()


@str_isalnum.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    return where(is_ascii(value), value, lambda texts: texts.str.contains(r"^[0-9A-Za-z]+$"), str.isalnum)
