"""dt_now"""

from __future__ import annotations

import datetime as dt

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import ZoneName
from transforms.rules.functions.times._moments import now_in


@expression(
    "times",
    parameters={"tz": "Name of a time zone."},
    examples=[
        Example("dt_now()", {}, dt.datetime(2026, 1, 2, 3, 4, 5, 678901), run=False),
        Example('dt_str(dt_now(tz="Asia/Shanghai"))', {}, "2026-01-02 11:04:05.678901+08:00", run=False),
        Example('dt_now(tz="Nowhere")', {}, error="unknown time zone"),
    ],
    pure=False,
)
def dt_now(context: Context, tz: ZoneName | None = None) -> dt.datetime:
    """Gives the present time as a Datetime.

    Without a zone it is UTC and carries no offset; with one it is that zone's time, with its offset.
    """
    return now_in(context.clock, tz)
