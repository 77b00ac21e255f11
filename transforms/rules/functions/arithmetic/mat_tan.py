"""mat_tan"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_tan(v("n"))', {"n": "30"}, -6.405331196646276),
        Example("mat_tan(0)", {}, 0.0),
        Example("mat_tan(mat_radians(45))", {}, 0.9999999999999999),
        Example('mat_tan(v("n"))', {"n": "inf"}, error="math domain error"),
    ],
)
def mat_tan(a: Number) -> float:
    """Gives the tangent of an angle in radians.

    ``mat_radians`` turns degrees into radians. Text that holds a number is converted.
    """
    return in_floats(math.tan, a)
