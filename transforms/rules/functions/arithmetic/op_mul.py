"""op_mul"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.arithmetic._arithmetic import check_bits
from transforms.rules.functions.operators._sizes import check_elements, check_text
from transforms.rules.kinds import AnyValue
from transforms.rules.values import kind_of, weight

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "arithmetic",
    parameters={"a": "A number, text, a list or a tuple.", "b": "A number."},
    examples=[
        Example('op_mul(ct_int(v("a")), ct_int(v("b")))', {"a": "10", "b": "23"}, 230),
        Example('op_mul(v("a"), ct_int(v("b")))', {"a": "2", "b": "5"}, "22222", title="Text times an integer repeats the text"),
        Example("op_mul(3600, 1.5)", {}, 5400.0),
        Example("op_mul([1, 2], 2)", {}, [1, 2, 1, 2]),
        Example('op_mul("abc", -1)', {}, ""),
        Example('op_mul(v("a"), v("b"))', {"a": "10", "b": "10"}, error="can't multiply sequence by non-int of type 'str'"),
        Example('op_mul("abc", 1000000000000)', {}, error="characters; 10,000,000 are the most"),
    ],
)
def op_mul(a: AnyValue, b: AnyValue) -> Any:
    """Multiplies numbers, or repeats a text or list.

    Text is not converted: a field has to become a number first (``ct_int``, ``ct_float``). Text, lists and tuples times an integer are
    repeated; nothing is left of them for an integer of zero or less.
    """
    if isinstance(a, int | float) and isinstance(b, int | float):
        if isinstance(a, int) and isinstance(b, int):
            check_bits(a.bit_length() + b.bit_length())
        return a * b
    if isinstance(a, int) and isinstance(b, str | bytes | list | tuple):
        a, b = b, a
    if not isinstance(a, str | bytes | list | tuple):
        raise TypeError(f"{kind_of(a)} cannot be multiplied by {kind_of(b)}")
    if not isinstance(b, int):
        raise TypeError(f"can't multiply sequence by non-int of type '{type(b).__name__}'")
    if isinstance(a, str):
        check_text(len(a) * b)
    else:
        check_elements(len(a) * b)
        check_text(weight(a) * b)
    return a * max(0, b)


@op_mul.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.columns import Fixed
    from transforms.rules.functions.arithmetic._arithmetic_columns import operands

    factors = (call.column("a"), call.column("b"))
    for factor in factors:
        if isinstance(factor, Fixed) and not isinstance(factor.value, int | float):
            raise Decline
        if isinstance(factor, pl.Series) and factor.dtype not in (pl.Int64, pl.Float64):
            raise Decline
    found = operands(factors, frame.rows, most=2**31)
    return call.completed(found.series[0] * found.series[1], found.covered)
