"""str_lower"""

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
        Example('str_lower(v("a"))', {"a": "Ärger WITH 1"}, "ärger with 1"),
        Example('str_lower("")', {}, ""),
        Example('str_lower(v("missing"))', {}, error="None is not text"),
    ],
)
def str_lower(value: Text) -> str:
    """Turns all letters into small ones.

    Follows Unicode's rules for letters of all scripts.
    """
    return value.lower()


@str_lower.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    # Outside ASCII the engines may know different editions of Unicode.
    return where(is_ascii(value), value, lambda texts: texts.str.to_lowercase(), str.lower)
