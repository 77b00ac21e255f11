"""op_add"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.operators._sizes import check_elements, check_text
from transforms.rules.kinds import AnyValue
from transforms.rules.values import as_number, kind_of

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"values": "One or more values of the same kind."},
    examples=[
        Example('op_add("https://", v("host"))', {"host": "example.com"}, "https://example.com"),
        Example('op_add(ct_int(v("a")), ct_int(v("b")))', {"a": "2", "b": "13"}, 15),
        Example('op_add(v("a"), v("b"))', {"a": "1", "b": "2"}, "12", title="Two texts are joined, whatever they look like"),
        Example('op_add(v("age"), 2)', {"age": "40"}, 42, title="Text beside a number counts as a number"),
        Example("op_add([1], [2, 3])", {}, [1, 2, 3]),
        Example('op_add({"a": 1, "b": 1}, {"b": 2})', {}, {"a": 1, "b": 2}, title="In dictionaries the right one wins"),
        Example('op_add(v("age"), 2)', {"age": "old"}, error="text 'old' and an integer cannot be added: the text is not a number"),
        Example('op_add(v("missing"), "x")', {"a": "1"}, error="None and text cannot be added"),
    ],
)
def op_add(*values: AnyValue) -> Any:
    """Adds numbers, and joins texts, lists or dictionaries.

    Text is not converted, so that two fields are joined: ``op_sum`` adds the numbers in them. Only where one of two values is a number
    and the other is text, the text has to hold a number. Several values are added from the left.
    """
    return reduce(_sum, values)


def _sum(a: Any, b: Any) -> Any:
    if isinstance(a, str) and isinstance(b, str):
        check_text(len(a) + len(b))
        return a + b
    if isinstance(a, dict) and isinstance(b, dict):
        return {**a, **b}
    if _is_number(a) and _is_number(b):
        return a + b
    if isinstance(a, str) and _is_number(b):
        return _numeric(a, b, a) + b
    if isinstance(b, str) and _is_number(a):
        return a + _numeric(b, a, b)
    if type(a) is type(b) and isinstance(a, list | tuple | bytes):
        check_elements(len(a) + len(b))
        joined: Any = a
        return joined + b
    raise TypeError(f"{kind_of(a)} and {kind_of(b)} cannot be added")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numeric(text: str, number: Any, shown: str) -> int | float:
    try:
        return as_number(text)
    except ValueError:
        raise ValueError(f"text {shown[:60]!r} and {kind_of(number)} cannot be added: the text is not a number") from None


@op_add.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.columns import Fixed, series
    from transforms.rules.functions.operators._sizes import MOST_CHARACTERS
    from transforms.rules.numeric_columns import integers

    values = call.many("values")
    whole = [series(value, frame.rows) for value in values]
    kinds: set[Any] = {value.dtype if isinstance(value, pl.Series) else None for value in whole}
    if kinds == {pl.String}:
        texts = [value for value in whole if isinstance(value, pl.Series)]
        if sum(_longest(text) for text in texts) > MOST_CHARACTERS:
            raise Decline
        joined = pl.select(pl.concat_str(texts)).to_series()
        return call.completed(joined, joined.is_not_null())
    numeric = kinds == {pl.Int64} or (kinds == {pl.Int64, pl.String} and len(values) == 2)
    if not numeric or any(isinstance(value, Fixed) and isinstance(value.value, str) for value in values):
        raise Decline
    found = [integers(value, frame.rows) for value in values]
    total, covered, room = found[0].series, found[0].covered, 2**62 // len(found)
    for one in found[1:]:
        total, covered = total + one.series, covered & one.covered
    for one in found:
        covered = covered & one.series.is_between(-room, room).fill_null(False)
    return call.completed(total, covered)


def _longest(texts: pl.Series) -> int:
    """The size of the longest text, in bytes."""
    longest: Any = texts.str.len_bytes().max()
    return longest or 0
