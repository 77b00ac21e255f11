"""mat_atan2"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"x": "The first number: how far up the point lies.", "y": "The second number: how far to the right the point lies."},
    examples=[
        Example('mat_atan2(v("a"), v("b"))', {"a": "1", "b": "2"}, 0.4636476090008061),
        Example("mat_atan2(0, -1)", {}, 3.141592653589793),
        Example("mat_atan2(0, 0)", {}, 0.0),
        Example('mat_atan2(v("a"), 1)', {"a": "x"}, error="could not convert string to float: 'x'"),
    ],
)
def mat_atan2(x: Number, y: Number) -> float:
    """Gives the angle of a point in radians.

    In spite of its name the first number is the ordinate, as in ``atan2`` of other languages. The result lies between -π and π. Text
    that holds numbers is converted.
    """
    return in_floats(math.atan2, x, y)
