"""mat_atanh"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_atanh(v("n"))', {"n": "0.5"}, 0.5493061443340548),
        Example("mat_atanh(0)", {}, 0.0),
        Example("mat_atanh(-0.5)", {}, -0.5493061443340548),
        Example('mat_atanh(v("n"))', {"n": "1"}, error="math domain error"),
    ],
)
def mat_atanh(a: Number) -> float:
    """Gives the inverse hyperbolic tangent of a number.

    The number lies between -1 and 1, both left out. Text that holds a number is converted.
    """
    return in_floats(math.atanh, a)
