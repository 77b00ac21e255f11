"""op_div_true"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Number

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "arithmetic",
    parameters={"a": "The number to divide.", "b": "The divisor."},
    examples=[
        Example('op_div_true(v("a"), v("b"))', {"a": "9", "b": "2"}, 4.5),
        Example("op_div_true(4, 2)", {}, 2.0),
        Example('op_div_true(v("a"), 0.5)', {"a": "1"}, 2.0),
        Example('op_div_true(v("a"), v("b"))', {"a": "9", "b": "0"}, error="division by zero"),
    ],
)
def op_div_true(a: Number, b: Number) -> float:
    """Divides a number by another, with a fraction.

    Text that holds numbers is converted. The result is always a float, also where the division leaves no rest.
    """
    if b == 0:
        raise ZeroDivisionError("division by zero")
    return a / b


@op_div_true.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.numeric_columns import floats

    left, right = floats(call.column("a"), frame.rows), floats(call.column("b"), frame.rows)
    covered = left.covered & right.covered & (right.series != 0).fill_null(False)
    return call.completed(left.series / right.series, covered)
