"""mat_hypot"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "One side.", "b": "The other side."},
    examples=[
        Example('mat_hypot(v("a"), v("b"))', {"a": "3", "b": "4"}, 5.0),
        Example("mat_hypot(1, 2)", {}, 2.23606797749979),
        Example("mat_hypot(0, -2)", {}, 2.0),
        Example('mat_hypot(v("a"), 1)', {"a": ""}, error="could not convert string to float: ''"),
    ],
)
def mat_hypot(a: Number, b: Number) -> float:
    """Gives the longest side of a right-angled triangle.

    The square root of the sum of the squares of two numbers. Text that holds numbers is converted.
    """
    return in_floats(math.hypot, a, b)
