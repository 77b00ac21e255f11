"""mat_asin"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_asin(v("n"))', {"n": "1"}, 1.5707963267948966),
        Example("mat_asin(0)", {}, 0.0),
        Example("mat_asin(-1)", {}, -1.5707963267948966),
        Example("mat_asin(2)", {}, error="math domain error"),
    ],
)
def mat_asin(a: Number) -> float:
    """Gives the angle in radians whose sine is a number.

    The number lies between -1 and 1, the result between -π/2 and π/2. Text that holds a number is converted.
    """
    return in_floats(math.asin, a)
