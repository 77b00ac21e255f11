"""mat_sin"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_sin(v("n"))', {"n": "90"}, 0.8939966636005579),
        Example("mat_sin(0)", {}, 0.0),
        Example("mat_sin(mat_radians(90))", {}, 1.0),
        Example('mat_sin(v("n"))', {"n": "inf"}, error="math domain error"),
    ],
)
def mat_sin(a: Number) -> float:
    """Gives the sine of an angle in radians.

    ``mat_radians`` turns degrees into radians. Text that holds a number is converted.
    """
    return in_floats(math.sin, a)
