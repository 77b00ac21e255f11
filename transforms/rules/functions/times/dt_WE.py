"""dt_WE"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._weekdays import WeekdayShift
from transforms.rules.kinds import Integer


@expression(
    "times",
    parameters={"n": "Which Wednesday: 1 is the first on or after the day, -1 the first on or before it; not 0."},
    examples=[
        Example('dt_str(dt_add(v("day"), weekday=dt_WE(1)), "%F")', {"day": "2019-06-04"}, "2019-06-05"),
        Example('dt_str(dt_add(v("day"), weekday=dt_WE(op_neg(1))), "%F")', {"day": "2019-06-04"}, "2019-05-29"),
        Example('dt_str(dt_add(v("day"), weekday=dt_WE()), "%F")', {"day": "2019-06-04"}, "2019-06-05"),
        Example("dt_WE(0)", {}, error="0 is no Wednesday"),
    ],
)
def dt_WE(n: Integer = 1) -> WeekdayShift:  # noqa: N802 - rules call it so
    """Marks a Wednesday for the parameter ``weekday`` of ``dt_add``.

    A day that is a Wednesday itself counts as the first, in both directions.
    """
    return WeekdayShift.of(2, n)
