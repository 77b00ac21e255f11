"""mat_cos"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_cos(v("n"))', {"n": "30"}, 0.15425144988758405),
        Example("mat_cos(0)", {}, 1.0),
        Example("mat_cos(MATH_PI)", {}, -1.0),
        Example('mat_cos(v("n"))', {"n": "inf"}, error="math domain error"),
    ],
)
def mat_cos(a: Number) -> float:
    """Gives the cosine of an angle in radians.

    ``mat_radians`` turns degrees into radians. Text that holds a number is converted.
    """
    return in_floats(math.cos, a)
