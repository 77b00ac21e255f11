"""op_sum"""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Number

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "arithmetic",
    parameters={"values": "One or more numbers."},
    examples=[
        Example('op_sum(v("a"), v("b"))', {"a": "12", "b": "2"}, 14, title="Text that holds numbers is converted"),
        Example('op_sum(v("a"), 0.5)', {"a": "12"}, 12.5),
        Example('op_sum(v("a"), v("b"), v("c"))', {"a": "1", "b": " 2 ", "c": "-3"}, 0),
        Example('op_sum(v("a"), 1)', {"a": "x"}, error="could not convert string to float: 'x'"),
        Example('op_sum(v("missing"), 1)', {"a": "1"}, error="a number is needed, not None"),
    ],
)
def op_sum(*values: Number) -> int | float:
    """Adds numbers.

    Integers give an integer, a float among them gives a float. Unlike ``op_add`` it converts text, so that fields can be added as they
    are.
    """
    return reduce(operator.add, values)


@op_sum.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.arithmetic._arithmetic_columns import operands

    values = call.many("values")
    found = operands(values, frame.rows, most=2**62 // len(values))
    if not found.are_integers and len(values) > 3:
        raise Decline  # integers among the floats may add up to more than a float holds
    return call.completed(reduce(operator.add, found.series), found.covered)
