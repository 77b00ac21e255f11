"""dt_prop"""

from __future__ import annotations

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import AnyMoment
from transforms.rules.functions.times._moments import as_moment
from transforms.rules.functions.times._properties import Property


@expression(
    "times",
    parameters={
        "value": "A Datetime, the text of a time, or Unix seconds.",
        "name": "The property, such as day, weekdayname or weekofyear.",
    },
    examples=[
        Example('dt_prop(v("time"), "day")', {"time": "2018-10-2 09:11:40"}, 2),
        Example('dt_prop(v("time"), "weekdayname")', {"time": "2018-10-2 09:11:40"}, "Tuesday"),
        Example('dt_prop(v("time"), "weekofyear")', {"time": "2018-10-2 09:11:40"}, 39),
        Example('dt_prop(v("time"), "tzname")', {"time": "2018-10-2 09:11:40"}, "", title="Without an offset there is no name"),
        Example('dt_prop(v("time"), "fortnight")', {"time": "0"}, error="name is one of"),
    ],
)
def dt_prop(context: Context, value: AnyMoment, name: Property) -> int | str:
    """Gives one property of a time.

    Numbers: ``year``, ``month``, ``day``, ``hour``, ``minute``, ``second``, ``microsecond``, ``weekday`` and ``dayofweek`` (Monday is 0),
    ``dayofyear``, ``weekofyear`` (weeks begin on Sundays), ``weekofyear_m`` (on Mondays; days before the first are in week 0) and
    ``weekofmonth`` (days 1 to 7 are week 1). Texts: ``weekdayname``, ``weekdayshortname``, ``monthname``, ``monthshortname``
    and ``tzname``.
    """
    return name(as_moment(value, None, context.clock))
