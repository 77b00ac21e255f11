"""mat_radians"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_radians(v("n"))', {"n": "30"}, 0.5235987755982988),
        Example("mat_radians(180)", {}, 3.141592653589793),
        Example("mat_radians(0)", {}, 0.0),
        Example('mat_radians(v("missing"))', {"n": "1"}, error="a number is needed, not None"),
    ],
)
def mat_radians(a: Number) -> float:
    """Turns an angle in degrees into radians.

    A full circle is 360 degrees, or 2π radians. Text that holds a number is converted.
    """
    return in_floats(math.radians, a)
