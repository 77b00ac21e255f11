"""mat_degrees"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_degrees(v("n"))', {"n": "1"}, 57.29577951308232),
        Example("mat_degrees(MATH_PI)", {}, 180.0),
        Example("mat_degrees(0)", {}, 0.0),
        Example('mat_degrees(v("n"))', {"n": "x"}, error="could not convert string to float: 'x'"),
    ],
)
def mat_degrees(a: Number) -> float:
    """Turns an angle in radians into degrees.

    A full circle is 2π radians, or 360 degrees. Text that holds a number is converted.
    """
    return in_floats(math.degrees, a)
