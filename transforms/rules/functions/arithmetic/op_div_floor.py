"""op_div_floor"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import check_divisor
from transforms.rules.kinds import Number

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "arithmetic",
    parameters={"a": "The number to divide.", "b": "The divisor."},
    examples=[
        Example('op_div_floor(v("a"), v("b"))', {"a": "4", "b": "2"}, 2),
        Example("op_div_floor(-7, 2)", {}, -4, title="Toward minus infinity"),
        Example('op_div_floor(v("a"), 2)', {"a": "7.5"}, 3.0),
        Example('op_div_floor(v("a"), v("b"))', {"a": "7", "b": "0"}, error="integer division or modulo by zero"),
    ],
)
def op_div_floor(a: Number, b: Number) -> int | float:
    """Divides a number by another and leaves the fraction out.

    Text that holds numbers is converted. The result is the next whole number toward minus infinity (-7 by 2 is -4); it is an integer for two
    integers, a float without a fraction otherwise.
    """
    check_divisor(a, b)
    return a // b


@op_div_floor.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.arithmetic._arithmetic_columns import divisible

    found = divisible((call.column("a"), call.column("b")), frame.rows)
    return call.completed(found.series[0] // found.series[1], found.covered)
