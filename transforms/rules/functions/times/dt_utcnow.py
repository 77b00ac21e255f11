"""dt_utcnow"""

from __future__ import annotations

import datetime as dt

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._moments import now_in


@expression(
    "times",
    parameters={},
    examples=[
        Example("dt_utcnow()", {}, dt.datetime(2026, 1, 2, 3, 4, 5, 678901), run=False),
        Example("dt_str(dt_utcnow())", {}, "2026-01-02 03:04:05.678901", run=False),
        Example('dt_utcnow("UTC")', {}, error="dt_utcnow"),
    ],
    pure=False,
)
def dt_utcnow(context: Context) -> dt.datetime:
    """Gives the present time in UTC as a Datetime without an offset.

    It is what ``dt_now`` gives without a zone.
    """
    return now_in(context.clock, None)
