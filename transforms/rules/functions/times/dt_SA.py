"""dt_SA"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._weekdays import WeekdayShift
from transforms.rules.kinds import Integer


@expression(
    "times",
    parameters={"n": "Which Saturday: 1 is the first on or after the day, -1 the first on or before it; not 0."},
    examples=[
        Example('dt_str(dt_add(v("day"), weekday=dt_SA(1)), "%F")', {"day": "2019-06-04"}, "2019-06-08"),
        Example('dt_str(dt_add(v("day"), weekday=dt_SA(op_neg(1))), "%F")', {"day": "2019-06-04"}, "2019-06-01"),
        Example('dt_str(dt_add(v("day"), weekday=dt_SA()), "%F")', {"day": "2019-06-04"}, "2019-06-08"),
        Example("dt_SA(0)", {}, error="0 is no Saturday"),
    ],
)
def dt_SA(n: Integer = 1) -> WeekdayShift:  # noqa: N802 - rules call it so
    """Marks a Saturday for the parameter ``weekday`` of ``dt_add``.

    A day that is a Saturday itself counts as the first, in both directions.
    """
    return WeekdayShift.of(5, n)
