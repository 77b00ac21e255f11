"""op_index"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import AnyValue
from transforms.rules.values import as_integer, kind_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"value": "Text, bytes, a list, a tuple or a dictionary.", "index": "The position, or a dictionary's key."},
    examples=[
        Example('op_index(v("word"), 0)', {"word": "I,love"}, "I"),
        Example('op_index(v("word"), -1)', {"word": "I,love"}, "e", title="Counted from the end"),
        Example('op_index(["a", "b"], "1")', {}, "b"),
        Example('op_index({"a": 5}, "a")', {}, 5, title="The value of a key"),
        Example('op_index(v("word"), 10)', {"word": "I,love"}, error="there is no position 10 in text of length 6"),
        Example('op_index({"a": 5}, "b")', {}, error="the dictionary has no key 'b'"),
    ],
)
def op_index(value: AnyValue, index: AnyValue) -> Any:
    """Gives one element of a text, list or dictionary.

    Positions begin at 0; negative ones count from the end. A position or key that is not there fails the event; ``dct_get`` knows a
    default. An element of bytes is an integer.
    """
    if isinstance(value, dict):
        if index not in value:
            raise ValueError(f"the dictionary has no key {index!r}")
        return value[index]
    if not isinstance(value, str | bytes | list | tuple):
        raise TypeError(f"{kind_of(value)} has no elements")
    position = as_integer(index)
    if not -len(value) <= position < len(value):
        raise ValueError(f"there is no position {position} in {kind_of(value)} of length {len(value)}")
    return value[position]


@op_index.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    value, index = call.column("value"), call.fixed("index")
    if not isinstance(value, pl.Series) or value.dtype != pl.String or type(index) is not int or not -(2**31) < index < 2**31:
        raise Decline
    length = value.str.len_chars().cast(pl.Int64)
    inside = length > index if index >= 0 else length >= -index
    return call.completed(value.str.slice(index, 1), inside.fill_null(False))
