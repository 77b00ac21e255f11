"""str_join"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.strings._kinds import Part
from transforms.rules.kinds import Text
from transforms.rules.limits import within_limit
from transforms.rules.values import as_text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={
        "delim": "The text between the values.",
        "values": "One or more values, or one list or tuple whose elements are joined.",
    },
    examples=[
        Example('str_join("@", v("name"), v("host"))', {"name": "ann", "host": "example.com"}, "ann@example.com"),
        Example('str_join("-", 1, true, v("a"))', {"a": "x"}, "1-true-x", title="Values become text"),
        Example('str_join(", ", str_split(v("a"), "/"))', {"a": "x/y/z"}, "x, y, z", title="The elements of one list"),
        Example('str_join("-", v("a"), v("missing"))', {"a": "x"}, error="None is not text"),
        Example('str_join("-")', {}, error="needs at least one argument"),
    ],
)
def str_join(delim: Text, *values: Part) -> str:
    """Joins values to one text.

    Values that are no text are turned into it as a field keeps them. A missing field is an error: `v("field", default="")` joins an
    empty text instead.
    """
    items = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
    texts = [as_text(item) for item in items]
    within_limit(sum(map(len, texts)) + len(delim) * max(len(texts) - 1, 0))
    return delim.join(texts)


@str_join.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.columns import Fixed, text
    from transforms.rules.limits import MOST_CHARACTERS
    from transforms.rules.text_columns import longest

    delim, values = call.fixed("delim"), call.many("values")
    if not isinstance(delim, str) or (len(values) == 1 and isinstance(values[0], Fixed)):
        raise Decline
    columns = [text(value, call.rows) for value in values]
    if sum(longest(column) + len(delim) for column in columns) > MOST_CHARACTERS:
        raise Decline
    frame = pl.DataFrame({str(place): column for place, column in enumerate(columns)})
    return frame.select(pl.concat_str(pl.all(), separator=delim)).to_series()
