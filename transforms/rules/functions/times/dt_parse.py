"""dt_parse"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import AnyMoment, ZoneName
from transforms.rules.functions.times._moments import as_moment

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={
        "value": "A Datetime, the text of a time, or Unix seconds.",
        "tz": "Name of a time zone, such as Asia/Shanghai; a time without offset keeps its clock time and gets the zone, all else is converted.",
    },
    examples=[
        Example('dt_parse(v("time"))', {"time": "1559500886"}, dt.datetime(2019, 6, 2, 18, 41, 26), title="Digits are Unix seconds"),
        Example(
            'dt_str(dt_parse(v("time"), tz="Asia/Shanghai"))',
            {"time": "2019-06-01 10:10:10"},
            "2019-06-01 10:10:10+08:00",
            title="A zone is attached to a time that has none",
        ),
        Example('dt_str(dt_parse("2019-06-01T10:10:10Z", tz="Asia/Shanghai"))', {}, "2019-06-01 18:10:10+08:00"),
        Example('dt_parse(v("time"))', {"time": "3 Jun 2019 2:41 PM"}, dt.datetime(2019, 6, 3, 14, 41)),
        Example('dt_parse("10/Jun/2019:11:32:16 +0800")', {}, error="is not a time"),
        Example('dt_parse(v("time"))', {"time": "1562741899000"}, error="divide milliseconds by 1000"),
        Example('dt_parse(v("time"), tz="Mars/Olympus")', {"time": "0"}, error="unknown time zone"),
    ],
)
def dt_parse(context: Context, value: AnyMoment, tz: ZoneName | None = None) -> dt.datetime:
    """Turns a time of any kind into a Datetime.

    Text that consists of digits (with a sign and a fraction, perhaps) is Unix seconds. Other text is read leniently: ISO 8601,
    month first in ``10/11/2019``, year first in ``2019/10/11``, English names of months and days, offsets such as ``Z`` and
    ``+08:00``. What is missing is taken from the present day in UTC. Names of zones in the text, other than UTC and GMT, are passed over.
    Times as web servers write them (``10/Jun/2019:11:32:16 +0800``) need ``dt_strptime``.
    """
    return as_moment(value, tz, context.clock)


@dt_parse.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._moment_columns import completed, moments_of

    return completed(call, *moments_of(call.column("value"), call.fixed("tz")))
