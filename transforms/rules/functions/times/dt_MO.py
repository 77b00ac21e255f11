"""dt_MO"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._weekdays import WeekdayShift
from transforms.rules.kinds import Integer


@expression(
    "times",
    parameters={"n": "Which Monday: 1 is the first on or after the day, -1 the first on or before it; not 0."},
    examples=[
        Example('dt_str(dt_add(v("day"), weekday=dt_MO(1)), "%F")', {"day": "2019-06-04"}, "2019-06-10"),
        Example('dt_str(dt_add(v("day"), weekday=dt_MO(op_neg(1))), "%F")', {"day": "2019-06-04"}, "2019-06-03"),
        Example('dt_str(dt_add(v("day"), weekday=dt_MO()), "%F")', {"day": "2019-06-04"}, "2019-06-10"),
        Example("dt_MO(0)", {}, error="0 is no Monday"),
    ],
)
def dt_MO(n: Integer = 1) -> WeekdayShift:  # noqa: N802 - rules call it so
    """Marks a Monday for the parameter ``weekday`` of ``dt_add``.

    A day that is a Monday itself counts as the first, in both directions.
    """
    return WeekdayShift.of(0, n)
