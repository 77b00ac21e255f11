"""mat_fabs"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.functions.arithmetic._arithmetic import in_floats
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_fabs(v("n"))', {"n": "-10"}, 10.0),
        Example("mat_fabs(2.5)", {}, 2.5),
        Example("mat_fabs(0)", {}, 0.0),
        Example('mat_fabs(v("n"))', {"n": "x"}, error="could not convert string to float: 'x'"),
    ],
)
def mat_fabs(a: Number) -> float:
    """Gives a number without its sign, as a float.

    ``op_abs`` keeps integers. Text that holds a number is converted.
    """
    return in_floats(math.fabs, a)
