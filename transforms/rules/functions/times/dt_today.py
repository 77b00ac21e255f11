"""dt_today"""

from __future__ import annotations

import datetime as dt

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import ZoneName
from transforms.rules.functions.times._moments import now_in


@expression(
    "times",
    parameters={"tz": "Name of a time zone; UTC if it is left out."},
    examples=[
        Example("dt_today()", {}, dt.date(2026, 1, 2), run=False),
        Example('dt_today(tz="Asia/Shanghai")', {}, dt.date(2026, 1, 2), run=False),
        Example('dt_today(tz="Nowhere")', {}, error="unknown time zone"),
    ],
    pure=False,
)
def dt_today(context: Context, tz: ZoneName | None = None) -> dt.date:
    """Gives the present date.

    A field keeps it without a clock time; other functions take it as its midnight.
    """
    return now_in(context.clock, tz).date()
