"""regex_findall"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.patterns._sizes import LARGEST, Measure
from transforms.rules.kinds import Regex, Text


@expression(
    "patterns",
    parameters={"value": "The text that is searched.", "regex": "The regular expression."},
    examples=[
        Example(r'regex_findall(v("id"), r"\d+")', {"id": "a1b65"}, ["1", "65"]),
        Example(r'regex_findall("k=v&x=y", r"(\w)=(\w)")', {}, [["k", "v"], ["x", "y"]], title="Several groups: lists of groups"),
        Example(r'regex_findall("a1 b2", r"[a-z](\d)")', {}, ["1", "2"], title="One group: that group"),
        Example(r'regex_findall("abc", r"\d")', {}, []),
        Example('regex_findall(v("missing"), "a")', {}, error="None is not text"),
    ],
)
def regex_findall(value: Text, regex: Regex) -> list[Any]:
    """Gives the texts of all matches as a list.

    With one group in the expression the list holds that group of each match, with several groups a list of the groups of each match.
    A group that took no part is an empty text.
    """
    groups = regex.groups
    # Matches may look ahead, so that each of them may have groups as long as the value.
    if (len(value) + 1) * (len(value) + 60) * (groups or 1) <= LARGEST:
        texts = regex.texts(value)
        return [list(taken) for taken in texts] if groups > 1 else texts
    measure = Measure()
    found: list[Any] = []
    for match in regex.each(value):
        taken = [text or "" for text in match.groups()] if groups else [match[0]]
        measure.add(sum(map(len, taken)) + 60 * len(taken))
        found.append(taken if groups > 1 else taken[0])
    return found
