"""str_isspace"""

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
        Example('str_isspace(v("a"))', {"a": " \t\n"}, True),
        Example('str_isspace(v("a"))', {"a": " a"}, False),
        Example('str_isspace("")', {}, False, title="The empty text"),
        Example('str_isspace(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isspace(value: Text) -> bool:
    """Tells whether a text consists of white space alone.

    White space is what Unicode says: blank, tab, line ends, no-break space and others. The empty text does not.
    """
    return value.isspace()


@str_isspace.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, where

    value = call.text("value")
    return where(is_ascii(value), value, lambda texts: texts.str.contains(r"^[\t-\r\x1c-\x20]+$"), str.isspace)
