"""mat_atan"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_atan(v("n"))', {"n": "1"}, 0.7853981633974483),
        Example("mat_atan(0)", {}, 0.0),
        Example('mat_atan(v("n"))', {"n": "-inf"}, -1.5707963267948966),
        Example('mat_atan(v("n"))', {"n": ""}, error="could not convert string to float: ''"),
    ],
)
def mat_atan(a: Number) -> float:
    """Gives the angle in radians whose tangent is a number.

    The result lies between -π/2 and π/2; ``mat_atan2`` knows the quadrant. Text that holds a number is converted.
    """
    return in_floats(math.atan, a)
