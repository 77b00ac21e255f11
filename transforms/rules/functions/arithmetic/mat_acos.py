"""mat_acos"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_acos(v("n"))', {"n": "1"}, 0.0),
        Example("mat_acos(0)", {}, 1.5707963267948966),
        Example("mat_acos(-1)", {}, 3.141592653589793),
        Example("mat_acos(2)", {}, error="math domain error"),
    ],
)
def mat_acos(a: Number) -> float:
    """Gives the angle in radians whose cosine is a number.

    The number lies between -1 and 1, the result between 0 and π. Text that holds a number is converted.
    """
    return in_floats(math.acos, a)
