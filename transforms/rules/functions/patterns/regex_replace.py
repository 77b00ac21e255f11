"""regex_replace"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.patterns._sizes import LARGEST, Measure
from transforms.rules.kinds import Integer, Regex, Text
from transforms.rules.pattern import Pattern

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "patterns",
    parameters={
        "value": "The text.",
        "regex": "What is replaced.",
        "replace": r"What comes instead; \1 or \g<name> stand for groups, \g<0> for the match.",
        "count": "How many matches are replaced, from the left; 0 means all.",
    },
    examples=[
        Example(r'regex_replace(v("id"), r"\d+", "#")', {"id": "a1b65c"}, "a#b#c"),
        Example(r'regex_replace(v("card"), r"(\d{2})\d+(\d{2})", r"\1…\2")', {"card": "no 123456"}, "no 12…56"),
        Example(r'regex_replace("a1b2", r"\d", "", 1)', {}, "ab2"),
        Example(r'regex_replace("ab", r"(x)?b", r"[\1]")', {}, "a[]", title="A group that took no part is empty"),
        Example(r'regex_replace(v("t"), r"(\d)", r"\2")', {"t": "a1"}, error="invalid group reference"),
    ],
)
def regex_replace(value: Text, regex: Regex, replace: Text = "", count: Integer = 0) -> str:
    r"""Replaces what a regular expression matches.

    Matches are taken from left to right and do not overlap. In ``replace``, ``\\`` is a backslash.
    """
    if count < 0:
        return value
    if len(replace) * (len(value) + 1) <= LARGEST:
        return regex.replace(replace, value, count)
    measure = Measure()
    pieces: list[str] = []
    end = 0
    for number, match in enumerate(regex.each(value)):
        if count and number >= count:
            break
        pieces += [value[end : match.start()], match.expand(replace)]
        measure.add(len(pieces[-1]) + len(pieces[-2]))
        end = match.end()
    return "".join([*pieces, value[end:]])


@regex_replace.at_load
def _check(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    regex, replace = known.get("regex"), known.get("replace")
    if isinstance(regex, Pattern) and isinstance(replace, str):
        try:
            regex.check_template(replace)
        except ValueError as error:
            yield f"regex_replace: replace: {error}", "replace"


_GROUP = re.compile(r"\\([1-9])(?!\d)|\\g<([0-9]{1,2})>")


@regex_replace.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.pattern_rust import never_empty
    from transforms.rules.plain_text import in_parts

    regex, replace, count = call.fixed("regex"), call.fixed("replace"), call.fixed("count")
    rust = regex.rust()
    template = _GROUP.sub(r"${\1\2}", replace.replace("$", "$$"))
    # The engines differ in where an empty match may come after another match.
    known = all(int(one or other) <= regex.groups for one, other in _GROUP.findall(replace))
    if rust is None or count or not known or "\\" in template or not never_empty(regex.text) or len(replace) > 100:
        raise Decline

    def replaced(texts: pl.Series) -> pl.Series:
        return texts.str.replace_all(rust, template)

    return in_parts(frame, call, call.text("value"), replaced, lambda value: regex_replace(value, regex, replace, count), "regex_replace")
