"""mat_sqrt"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_sqrt(v("n"))', {"n": "100"}, 10.0),
        Example("mat_sqrt(0)", {}, 0.0),
        Example("mat_sqrt(2.25)", {}, 1.5),
        Example("mat_sqrt(-1)", {}, error="math domain error"),
    ],
)
def mat_sqrt(a: Number) -> float:
    """Gives the square root of a number.

    Negative numbers have none. Text that holds a number is converted.
    """
    return in_floats(math.sqrt, a)
