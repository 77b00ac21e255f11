"""mat_floor"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number."},
    examples=[
        Example('mat_floor(v("price"))', {"price": "4.9"}, 4),
        Example("mat_floor(-4.1)", {}, -5),
        Example("mat_floor(7)", {}, 7),
        Example('mat_floor(v("price"))', {"price": "nan"}, error="cannot convert float NaN to integer"),
    ],
)
def mat_floor(a: Number) -> int:
    """Rounds a number down to the next integer.

    The result is an integer, never greater than the number. Text that holds a number is converted.
    """
    return a if isinstance(a, int) else math.floor(a)
