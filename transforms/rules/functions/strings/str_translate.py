"""str_translate"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "from": "The characters that are replaced.",
        "to": "What stands there instead, character for character.",
    },
    examples=[
        Example('str_translate(v("a"), "aeiou", "12345")', {"a": "I love ETL"}, "I l4v2 ETL"),
        Example('str_translate("aa", "aa", "12")', {}, "22", title="The last one counts where a character is given twice"),
        Example('str_translate("a", "ab", "1")', {}, error="2 characters are to be replaced by 1"),
        Example('str_translate(v("a"), v("f"), "1")', {"a": "a", "f": "abc"}, error="3 characters are to be replaced by 1"),
    ],
)
def str_translate(value: Text, from_: Text, to: Text) -> str:
    """Replaces characters by others.

    Both lists of characters must be equally long.
    """
    if len(from_) != len(to):
        raise ValueError(_unequal(from_, to))
    return value.translate(str.maketrans(from_, to))


def _unequal(from_: str, to: str) -> str:
    return f"{len(from_)} characters are to be replaced by {len(to)}: from and to must be equally long"


@str_translate.at_load
def _check(known: dict[str, Any]) -> list[tuple[str, str]]:
    from_, to = known.get("from"), known.get("to")
    if isinstance(from_, str) and isinstance(to, str) and len(from_) != len(to):
        return [(_unequal(from_, to), "from")]
    return []


@str_translate.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    value, from_, to = call.text("value"), call.fixed("from"), call.fixed("to")
    if not isinstance(from_, str) or not isinstance(to, str) or len(from_) != len(to):
        raise Decline
    pairs = dict(zip(from_, to, strict=True))
    return value.str.replace_many(list(pairs), list(pairs.values())) if pairs else value
