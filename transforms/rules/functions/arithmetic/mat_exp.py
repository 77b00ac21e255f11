"""mat_exp"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_exp(v("n"))', {"n": "1"}, 2.718281828459045),
        Example("mat_exp(0)", {}, 1.0),
        Example("mat_exp(-1000)", {}, 0.0),
        Example("mat_exp(1000)", {}, error="math range error"),
    ],
)
def mat_exp(a: Number) -> float:
    """Gives the power of Euler's number.

    A result that a float cannot hold fails the event. Text that holds a number is converted.
    """
    return in_floats(math.exp, a)
