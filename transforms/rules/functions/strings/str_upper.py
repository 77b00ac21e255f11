"""str_upper"""

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
        Example('str_upper(v("a"))', {"a": "etl 1 é"}, "ETL 1 É"),
        Example('str_upper("straße")', {}, "STRASSE", title="A letter that becomes two"),
        Example('str_upper("")', {}, ""),
        Example('str_upper(v("missing"))', {}, error="None is not text"),
    ],
)
def str_upper(value: Text) -> str:
    """Turns all letters into capital ones.

    Follows Unicode's rules for letters of all scripts; some letters become two, such as ß.
    """
    return value.upper()


@str_upper.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    # Outside ASCII the engines may know different editions of Unicode.
    return where(is_ascii(value), value, lambda texts: texts.str.to_uppercase(), str.upper)
