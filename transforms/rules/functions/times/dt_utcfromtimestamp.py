"""dt_utcfromtimestamp"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._moments import as_timestamp
from transforms.rules.kinds import Integer

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={"timestamp": "Whole Unix seconds."},
    examples=[
        Example('dt_utcfromtimestamp(v("time"))', {"time": "1559500886"}, dt.datetime(2019, 6, 2, 18, 41, 26)),
        Example('dt_utcfromtimestamp("0")', {}, dt.datetime(1970, 1, 1)),
        Example('dt_utcfromtimestamp("now")', {}, error="invalid literal for int() with base 10: 'now'"),
    ],
)
def dt_utcfromtimestamp(timestamp: Integer) -> dt.datetime:
    """Turns Unix seconds into a Datetime in UTC, without an offset.

    It is what ``dt_fromtimestamp`` gives without a zone.
    """
    return as_timestamp(timestamp)


@dt_utcfromtimestamp.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._moment_columns import completed, timestamps_of

    return completed(call, *timestamps_of(call.column("timestamp"), None))
