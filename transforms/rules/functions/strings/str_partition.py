"""str_partition"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.strings._kinds import Separator
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": "The text.", "sep": "Where to cut."},
    examples=[
        Example('str_partition(v("a"), ".")', {"a": "www.example.com"}, ["www", ".", "example.com"]),
        Example('str_partition(v("a"), "/")', {"a": "www"}, ["www", "", ""], title="Not found"),
        Example('str_partition("a", "")', {}, error="empty separator"),
    ],
)
def str_partition(value: Text, sep: Separator) -> list[str]:
    """Cuts a text in three at the first separator: what is before it, the separator, what is after it.

    Without the separator the list holds the whole text and two empty texts.
    """
    return list(value.partition(sep))
