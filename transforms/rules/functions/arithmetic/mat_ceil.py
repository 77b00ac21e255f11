"""mat_ceil"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_ceil(v("price"))', {"price": "4.1"}, 5),
        Example("mat_ceil(-4.1)", {}, -4),
        Example("mat_ceil(7)", {}, 7),
        Example('mat_ceil(v("price"))', {"price": "inf"}, error="cannot convert float infinity to integer"),
    ],
)
def mat_ceil(a: Number) -> int:
    """Rounds a number up to the next integer.

    The result is an integer, never smaller than the number. Text that holds a number is converted.
    """
    return a if isinstance(a, int) else math.ceil(a)
