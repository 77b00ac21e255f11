"""dt_str"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import AnyMoment, ToWrite, ZoneName
from transforms.rules.functions.times._moments import as_moment

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={
        "value": "A Datetime, the text of a time, or Unix seconds.",
        "fmt": "How to write it, in the codes of strftime; ISO with a blank between date and clock if it is left out.",
        "tz": "Name of a time zone, such as Asia/Shanghai; a time without offset keeps its clock time and gets the zone, all else is converted.",
    },
    examples=[
        Example('dt_str(v("time"), fmt="%Y/%m/%d %H-%M-%S", tz="Asia/Tokyo")', {"time": "2019-06-03 2:41:26"}, "2019/06/03 02-41-26"),
        Example('dt_str(v("time"), fmt="%d %b %Y %H:%M %z", tz="Asia/Tokyo")', {"time": "1559500886"}, "03 Jun 2019 03:41 +0900"),
        Example('dt_str(v("time"))', {"time": "2019-6-3 2:41:26.5"}, "2019-06-03 02:41:26.500000"),
        Example('dt_str(v("time"), fmt="%Q")', {"time": "0"}, error="unknown code %Q"),
        Example('dt_str("yesterday")', {}, error="is not a time"),
    ],
)
def dt_str(context: Context, value: AnyMoment, fmt: ToWrite | None = None, tz: ZoneName | None = None) -> str:
    """Writes a time of any kind as text.

    It reads as ``dt_parse`` does and writes as ``dt_strftime`` does.
    """
    moment = as_moment(value, tz, context.clock)
    return moment.isoformat(" ") if fmt is None else fmt.write(moment)


@dt_str.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._format_columns import written
    from transforms.rules.functions.times._moment_columns import moments_of

    fmt = call.fixed("fmt")
    moments, covered = moments_of(call.column("value"), call.fixed("tz"))
    return call.completed(moments.texts() if fmt is None else written(moments, fmt), covered)
