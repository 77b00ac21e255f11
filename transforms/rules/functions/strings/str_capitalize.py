"""str_capitalize"""

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
        Example('str_capitalize(v("a"))', {"a": "this Is MY"}, "This is my"),
        Example('str_capitalize("1a B")', {}, "1a b", title="It does not begin with a letter"),
        Example('str_capitalize("")', {}, ""),
        Example('str_capitalize(v("missing"))', {}, error="None is not text"),
    ],
)
def str_capitalize(value: Text) -> str:
    """Makes the first letter a capital one and all others small.

    A text that begins with something other than a letter gets no capital letter.
    """
    return value.capitalize()


@str_capitalize.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    # Outside ASCII the engines may know different editions of Unicode.
    return where(
        is_ascii(value),
        value,
        lambda texts: texts.str.slice(0, 1).str.to_uppercase() + texts.str.slice(1).str.to_lowercase(),
        str.capitalize,
    )
