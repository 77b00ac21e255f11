"""mat_log"""

from __future__ import annotations

import math

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Number


@expression(
    "arithmetic",
    parameters={"a": "The number.", "base": "The base; None for the natural logarithm."},
    examples=[
        Example('mat_log(v("a"), v("b"))', {"a": "100", "b": "10"}, 2.0),
        Example("mat_log(8, 2)", {}, 3.0),
        Example('mat_log(v("a"))', {"a": "1"}, 0.0, title="Without a base: the natural logarithm"),
        Example('mat_log(v("a"), 10)', {"a": "-1"}, error="math domain error"),
        Example("mat_log(2, 1)", {}, error="there is no logarithm to the base 1"),
    ],
)
def mat_log(a: Number, base: Number | None = None) -> float:
    """Gives the logarithm of a number.

    It is the quotient of two natural logarithms, so that 1000 to the base 10 is a little less than 3; ``mat_log10`` is exact. Only
    numbers above zero have a logarithm. Text that holds numbers is converted.
    """
    if base == 1:
        raise ValueError("there is no logarithm to the base 1")
    try:
        return math.log(a) if base is None else math.log(a) / math.log(base)
    except ValueError:
        raise ValueError("math domain error") from None
