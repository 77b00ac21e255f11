"""str_rpartition"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.strings._kinds import Separator
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": "The text.", "sep": "Where to cut."},
    examples=[
        Example('str_rpartition(v("a"), ".")', {"a": "www.example.com"}, ["www.example", ".", "com"]),
        Example('str_rpartition(v("a"), "/")', {"a": "www"}, ["", "", "www"], title="Not found"),
        Example('str_rpartition("a", "")', {}, error="empty separator"),
    ],
)
def str_rpartition(value: Text, sep: Separator) -> list[str]:
    """Cuts a text in three at the last separator: what is before it, the separator, what is after it.

    Without the separator the list holds two empty texts and the whole text.
    """
    return list(value.rpartition(sep))
