"""str_isprintable"""

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
        Example('str_isprintable(v("a"))', {"a": "a b"}, True),
        Example('str_isprintable(v("a"))', {"a": "a\tb"}, False),
        Example('str_isprintable("")', {}, True, title="The empty text"),
        Example('str_isprintable(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isprintable(value: Text) -> bool:
    """Tells whether a text can be shown as it is.

    Control characters and all white space but the blank cannot. The empty text can.
    """
    return value.isprintable()


@str_isprintable.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    return where(is_ascii(value), value, lambda texts: ~texts.str.contains(r"[\x00-\x1f\x7f]"), str.isprintable)
