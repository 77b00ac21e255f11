"""dt_fromtimestamp"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import ZoneName
from transforms.rules.functions.times._moments import as_timestamp, in_zone
from transforms.rules.kinds import Integer

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={"timestamp": "Whole Unix seconds.", "tz": "Name of the time zone to convert to; UTC without an offset if it is left out."},
    examples=[
        Example('dt_fromtimestamp(v("time"))', {"time": "1559500886"}, dt.datetime(2019, 6, 2, 18, 41, 26)),
        Example('dt_str(dt_fromtimestamp(v("time"), tz="Asia/Shanghai"))', {"time": "1559500886"}, "2019-06-03 02:41:26+08:00"),
        Example('dt_fromtimestamp("-1")', {}, dt.datetime(1969, 12, 31, 23, 59, 59)),
        Example('dt_fromtimestamp(v("time"))', {"time": "1559500886.5"}, error="invalid literal for int() with base 10: '1559500886.5'"),
        Example('dt_fromtimestamp("1559500886000")', {}, error="out of range"),
    ],
)
def dt_fromtimestamp(timestamp: Integer, tz: ZoneName | None = None) -> dt.datetime:
    """Turns Unix seconds into a Datetime.

    Only whole seconds are taken: ``dt_parse`` takes fractions as well.
    """
    return in_zone(as_timestamp(timestamp), tz)


@dt_fromtimestamp.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._moment_columns import completed, timestamps_of

    return completed(call, *timestamps_of(call.column("timestamp"), call.fixed("tz")))
