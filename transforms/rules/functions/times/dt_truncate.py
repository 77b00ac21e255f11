"""dt_truncate"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import AnyMoment
from transforms.rules.functions.times._moments import as_moment
from transforms.rules.functions.times._truncation import Truncation

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={
        "value": "A Datetime, the text of a time, or Unix seconds.",
        "unit": "second, minute, 5_minute (any number of minutes), hour, day, week, month, quarter, half_year or year.",
    },
    examples=[
        Example('dt_truncate(v("time"), "year")', {"time": "2019-06-03 2:41:26"}, dt.datetime(2019, 1, 1)),
        Example('dt_truncate(v("time"), "15_minute")', {"time": "2019-06-03 2:41:26"}, dt.datetime(2019, 6, 3, 2, 30)),
        Example('dt_str(dt_truncate(v("time")))', {"time": "2019-06-03 2:41:26+08:00"}, "2019-06-03 00:00:00+08:00"),
        Example('dt_truncate("2019-06-05", "week")', {}, dt.datetime(2019, 6, 3), title="Weeks begin on Mondays"),
        Example('dt_truncate(v("time"), "decade")', {"time": "0"}, error="unit is one of"),
    ],
)
def dt_truncate(context: Context, value: AnyMoment, unit: Truncation = "day") -> dt.datetime:
    """Rounds a time down to the beginning of a unit.

    It goes by the time's own clock, whatever its offset. ``N_minute`` rounds down to a multiple of N minutes within the hour.
    """
    begins: dt.datetime = unit.begin(as_moment(value, None, context.clock))
    return begins


@dt_truncate.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._moment_columns import completed, moments_of, truncated

    moments, covered = moments_of(call.column("value"), None)
    return completed(call, truncated(moments, call.fixed("unit")), covered)
