"""op_neg"""

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
        Example('op_neg(v("n"))', {"n": "-100"}, 100),
        Example("op_neg(1)", {}, -1),
        Example("op_neg(2.5)", {}, -2.5),
        Example('op_neg(v("n"))', {"n": "ten"}, error="could not convert string to float: 'ten'"),
    ],
)
def op_neg(a: Number) -> int | float:
    """Turns the sign of a number round.

    Text that holds a number is converted. An integer stays an integer and a float a float. Rules may also write ``-1``.
    """
    return -a


@op_neg.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.arithmetic._arithmetic_columns import operands

    found = operands((call.column("a"),), frame.rows)
    return call.completed(-found.series[0], found.covered)
