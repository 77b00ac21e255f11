"""op_abs"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Number

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "arithmetic",
    parameters={"a": "A number."},
    examples=[
        Example('op_abs(v("n"))', {"n": "-4"}, 4),
        Example("op_abs(-2.5)", {}, 2.5),
        Example("op_abs(7)", {}, 7),
        Example('op_abs(v("n"))', {"n": ""}, error="could not convert string to float: ''"),
    ],
)
def op_abs(a: Number) -> int | float:
    """Gives a number without its sign.

    Text that holds a number is converted. An integer stays an integer and a float a float.
    """
    return abs(a)


@op_abs.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.arithmetic._arithmetic_columns import operands

    found = operands((call.column("a"),), frame.rows)
    return call.completed(found.series[0].abs(), found.covered)
