"""str_lower"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
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
def _columns(frame: Frame, call: Arguments) -> Column:
    value = call.text("value")
    # Outside ASCII the engines may know different editions of Unicode.
    if not (value.str.len_bytes() == value.str.len_chars()).all():
        raise Decline
    return value.str.to_lowercase()
