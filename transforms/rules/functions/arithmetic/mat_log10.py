"""mat_log10"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_log10(v("n"))', {"n": "100"}, 2.0),
        Example("mat_log10(1)", {}, 0.0),
        Example("mat_log10(0.001)", {}, -3.0),
        Example('mat_log10(v("n"))', {"n": "0"}, error="math domain error"),
    ],
)
def mat_log10(a: Number) -> float:
    """Gives the logarithm of a number to the base 10.

    Only numbers above zero have one. Text that holds a number is converted.
    """
    return in_floats(math.log10, a)
