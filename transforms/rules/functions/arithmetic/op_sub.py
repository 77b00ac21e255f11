"""op_sub"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Number

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "arithmetic",
    parameters={"a": "The number to begin with.", "b": "The number to take away."},
    examples=[
        Example('op_sub(v("a"), v("b"))', {"a": "6", "b": "3"}, 3),
        Example('op_sub(v("end"), v("start"))', {"end": "1562741899", "start": "1562731122"}, 10777),
        Example("op_sub(1, 0.25)", {}, 0.75),
        Example('op_sub(v("a"), v("b"))', {"a": "6", "b": ""}, error="could not convert string to float: ''"),
    ],
)
def op_sub(a: Number, b: Number) -> int | float:
    """Subtracts a number from another.

    Text that holds numbers is converted. Two integers give an integer, a float on either side gives a float.
    """
    return a - b


@op_sub.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.arithmetic._arithmetic_columns import operands

    found = operands((call.column("a"), call.column("b")), frame.rows)
    return call.completed(found.series[0] - found.series[1], found.covered)
