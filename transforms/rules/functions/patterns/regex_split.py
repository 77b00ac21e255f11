"""regex_split"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Integer, Regex, Text


@expression(
    "patterns",
    parameters={
        "value": "The text.",
        "regex": "What separates the parts.",
        "maxsplit": "How often to cut at most; 0 means no limit.",
    },
    examples=[
        Example(r'regex_split(v("id"), r"\d+")', {"id": "a1b65c"}, ["a", "b", "c"]),
        Example(r'regex_split("a-b-c", "-", 1)', {}, ["a", "b-c"]),
        Example(r'regex_split("a1b", r"(\d)")', {}, ["a", "1", "b"], title="Groups are kept"),
        Example(r'regex_split("", ",")', {}, [""]),
        Example('regex_split(v("missing"), ",")', {}, error="None is not text"),
    ],
)
def regex_split(value: Text, regex: Regex, maxsplit: Integer = 0) -> list[Any]:
    """Cuts a text where a regular expression matches, and gives the parts as a list.

    What the groups of the expression match is put between the parts, None for groups that took no part.
    """
    if maxsplit < 0:
        return [value]
    return regex.split(value, maxsplit)
