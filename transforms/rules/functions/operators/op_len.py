"""op_len"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import AnyValue
from transforms.rules.values import kind_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"value": "Text, bytes, a list, a tuple or a dictionary."},
    examples=[
        Example('op_len(v("content"))', {"content": "I,love,this,world"}, 17),
        Example('op_len(v("content"))', {"content": "日本"}, 2, title="Text is counted in characters"),
        Example("op_len([1, 2, 3])", {}, 3),
        Example('op_len(v("missing"))', {"a": "1"}, error="None has no length"),
    ],
)
def op_len(value: AnyValue) -> int:
    """Gives the length of a value.

    Characters (code points) of text, bytes, elements of a list, keys of a dictionary. A field that looks like a list is text all the
    same: ``op_len(json_parse(v("list")))`` counts its elements.
    """
    if not isinstance(value, str | bytes | list | tuple | dict):
        raise TypeError(f"{kind_of(value)} has no length")
    return len(value)


@op_len.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    value = call.column("value")
    if not isinstance(value, pl.Series) or value.dtype != pl.String:
        raise Decline
    return call.completed(value.str.len_chars().cast(pl.Int64), value.is_not_null())
