"""dt_astimezone"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from transforms.rules.context import Context
from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.times._kinds import AnyMoment, ZoneName
from transforms.rules.functions.times._moments import as_moment
from transforms.rules.kinds import Flag

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={
        "value": "A Datetime, the text of a time, or Unix seconds.",
        "tz": "Name of the time zone.",
        "reset": "Keep the clock time and only replace the zone, instead of converting.",
    },
    examples=[
        Example(
            'dt_str(dt_astimezone(v("time"), "America/Los_Angeles"))', {"time": "2019-06-04 2:41:26+08:00"}, "2019-06-03 11:41:26-07:00"
        ),
        Example('dt_str(dt_astimezone(v("time"), "Asia/Shanghai"))', {"time": "2019-06-03 2:41:26"}, "2019-06-03 10:41:26+08:00"),
        Example('dt_str(dt_astimezone("2019-06-03 2:41:26Z", "Asia/Tokyo", reset=true))', {}, "2019-06-03 02:41:26+09:00"),
        Example('dt_astimezone(v("time"), "Mars")', {"time": "0"}, error="unknown time zone"),
    ],
)
def dt_astimezone(context: Context, value: AnyMoment, tz: ZoneName, reset: Flag = False) -> dt.datetime:
    """Converts a time to a zone.

    A time without an offset counts as UTC.
    """
    moment = as_moment(value, None, context.clock)
    if reset:
        return moment.replace(tzinfo=tz.tzinfo)
    return (moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment).astimezone(tz.tzinfo)


@dt_astimezone.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._moment_columns import completed, converted, moments_of

    if call.fixed("reset"):
        raise Decline
    moments, covered = moments_of(call.column("value"), None)
    moved, inside = converted(moments, call.fixed("tz"))
    return completed(call, moved, covered & inside)
