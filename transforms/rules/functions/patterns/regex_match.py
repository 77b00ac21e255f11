"""regex_match"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Flag, Regex, Text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "patterns",
    parameters={
        "value": "The text that is searched.",
        "regex": "The regular expression.",
        "full": "Whether it has to match the whole text.",
    },
    examples=[
        Example(r'regex_match(v("id"), r"\d+")', {"id": "a1b65"}, True),
        Example(r'regex_match(v("id"), r"\d+", full=True)', {"id": "a1b65"}, False),
        Example(r'regex_match("", "x*")', {}, True, title="An empty match is a match"),
        Example('regex_match(v("missing"), "a")', {}, error="None is not text"),
    ],
)
def regex_match(value: Text, regex: Regex, full: Flag = False) -> bool:
    """Tells whether a regular expression matches.

    A part of the text is enough unless ``full`` is true; in ``e_match`` it is the other way round.
    """
    return (regex.whole(value) if full else regex.search(value)) is not None


@regex_match.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.plain_text import in_parts

    regex, full = call.fixed("regex"), call.fixed("full")
    rust = regex.rust()
    if rust is None:
        raise Decline
    expression = rf"\A(?:{rust})\z" if full else rust

    def matches(texts: pl.Series) -> pl.Series:
        return texts.str.contains(expression)

    return in_parts(frame, call, call.text("value"), matches, lambda value: regex_match(value, regex, full), "regex_match")
