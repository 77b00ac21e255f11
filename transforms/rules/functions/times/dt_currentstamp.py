"""dt_currentstamp"""

from __future__ import annotations

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue


@expression(
    "times",
    parameters={"normalize": "Has no effect; the seconds are always rounded down."},
    examples=[
        Example("dt_currentstamp()", {}, 1767323045, run=False),
        Example('dt_currentstamp("floor")', {}, 1767323045, run=False),
        Example('dt_currentstamp("floor", "UTC")', {}, error="dt_currentstamp"),
    ],
    pure=False,
)
def dt_currentstamp(context: Context, normalize: AnyValue = "floor") -> int:
    """Gives the present time in Unix seconds.

    It is rounded down to a whole second.
    """
    return context.clock.now_us() // 1_000_000
