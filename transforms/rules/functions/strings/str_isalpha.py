"""str_isalpha"""

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
        Example('str_isalpha(v("a"))', {"a": "abcé"}, True),
        Example('str_isalpha(v("a"))', {"a": "abc1"}, False),
        Example('str_isalpha("")', {}, False, title="The empty text"),
        Example('str_isalpha(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isalpha(value: Text) -> bool:
    """Tells whether a text consists of letters alone.

    Letters of all scripts count. The empty text does not.
    """
    return value.isalpha()


@str_isalpha.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    return where(is_ascii(value), value, lambda texts: texts.str.contains(r"^[A-Za-z]+$"), str.isalpha)
