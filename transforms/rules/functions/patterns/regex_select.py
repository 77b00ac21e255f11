"""regex_select"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Integer, Regex, Text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "patterns",
    parameters={
        "value": "The text that is searched.",
        "regex": "The regular expression.",
        "mi": "Which match, from 0; the first without it.",
        "gi": "Which group, 0 being the first group; without it the first group if there is one, else the whole match.",
    },
    examples=[
        Example(r'regex_select(v("id"), r"\d+")', {"id": "a1b65"}, "1"),
        Example(r'regex_select(v("id"), r"\d+", mi=1)', {"id": "a1b65"}, "65"),
        Example(r'regex_select(v("t"), r"([a-z]+)(\d+)", mi=1, gi=0)', {"t": "abc123 xyz456"}, "xyz", title="gi=0 is the first group"),
        Example(r'regex_select(v("t"), r"(\d+)", mi=5)', {"t": "abc123"}, None, title="No such match: None"),
        Example('regex_select(v("t"), "(")', {"t": "abc"}, error="invalid regular expression"),
    ],
)
def regex_select(value: Text, regex: Regex, mi: Integer | None = None, gi: Integer | None = None) -> str | None:
    """Gives the text of one match, or of one of its groups.

    Searches the whole text, match after match. Without such a match or group, or if the group took no part in it, the result is None.
    """
    wanted = mi or 0
    group = (1 if regex.groups else 0) if gi is None else gi + 1
    if wanted < 0 or not 0 <= group <= regex.groups or (gi is not None and gi < 0):
        return None
    found = next(islice(regex.each(value), wanted, None), None) if wanted else regex.search(value)
    return None if found is None else found[group]


@regex_select.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.plain_text import in_parts

    regex, mi, gi = call.fixed("regex"), call.fixed("mi"), call.fixed("gi")
    rust = regex.rust()
    group = (1 if regex.groups else 0) if gi is None else gi + 1
    if rust is None or mi or (gi is not None and gi < 0) or group > regex.groups:
        raise Decline

    def selected(texts: pl.Series) -> pl.Series:
        return texts.str.extract(rust, group)

    return in_parts(frame, call, call.text("value"), selected, lambda value: regex_select(value, regex, mi, gi), "regex_select")
