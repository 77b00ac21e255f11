"""op_mod"""

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
        Example('op_mod(v("a"), v("b"))', {"a": "4", "b": "3"}, 1),
        Example('op_mod(v("a"), 3)', {"a": "-7"}, 2, title="The sign of the divisor"),
        Example('op_mod(v("a"), 2)', {"a": "7.5"}, 1.5),
        Example('op_mod(v("a"), v("b"))', {"a": "7", "b": "0"}, error="integer division or modulo by zero"),
    ],
)
def op_mod(a: Number, b: Number) -> int | float:
    """Gives what is left when a number is divided by another.

    Text that holds numbers is converted. The result has the sign of the divisor (-7 by 3 leaves 2).
    """
    check_divisor(a, b)
    return a % b


@op_mod.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.arithmetic._arithmetic_columns import divisible

    found = divisible((call.column("a"), call.column("b")), frame.rows)
    quotient = found.series[0] // found.series[1]
    return call.completed(found.series[0] - quotient * found.series[1], found.covered)
