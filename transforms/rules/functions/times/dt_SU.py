"""dt_SU"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._weekdays import WeekdayShift
from transforms.rules.kinds import Integer


@expression(
    "times",
    parameters={"n": "Which Sunday: 1 is the first on or after the day, -1 the first on or before it; not 0."},
    examples=[
        Example('dt_str(dt_add(v("day"), weekday=dt_SU(1)), "%F")', {"day": "2019-06-04"}, "2019-06-09"),
        Example('dt_str(dt_add(v("day"), weekday=dt_SU(op_neg(1))), "%F")', {"day": "2019-06-04"}, "2019-06-02"),
        Example('dt_str(dt_add(v("day"), weekday=dt_SU()), "%F")', {"day": "2019-06-04"}, "2019-06-09"),
        Example("dt_SU(0)", {}, error="0 is no Sunday"),
    ],
)
def dt_SU(n: Integer = 1) -> WeekdayShift:  # noqa: N802 - rules call it so
    """Marks a Sunday for the parameter ``weekday`` of ``dt_add``.

    A day that is a Sunday itself counts as the first, in both directions.
    """
    return WeekdayShift.of(6, n)
