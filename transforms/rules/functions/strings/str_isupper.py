"""str_isupper"""

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
        Example('str_isupper(v("a"))', {"a": "ABC 1"}, True),
        Example('str_isupper(v("a"))', {"a": "AbC"}, False),
        Example('str_isupper("1")', {}, False, title="No letter"),
        Example('str_isupper(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isupper(value: Text) -> bool:
    """Tells whether all letters of a text are capital ones.

    A text without letters that have a case does not.
    """
    return value.isupper()


@str_isupper.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    return where(is_ascii(value), value, lambda texts: texts.str.contains("[A-Z]") & ~texts.str.contains("[a-z]"), str.isupper)
