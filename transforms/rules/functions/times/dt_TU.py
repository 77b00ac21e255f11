"""dt_TU"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._weekdays import WeekdayShift
from transforms.rules.kinds import Integer


@expression(
    "times",
    parameters={"n": "Which Tuesday: 1 is the first on or after the day, -1 the first on or before it; not 0."},
    examples=[
        Example('dt_str(dt_add(v("day"), weekday=dt_TU(1)), "%F")', {"day": "2019-06-04"}, "2019-06-04"),
        Example('dt_str(dt_add(v("day"), weekday=dt_TU(op_neg(1))), "%F")', {"day": "2019-06-04"}, "2019-06-04"),
        Example('dt_str(dt_add(v("day"), weekday=dt_TU()), "%F")', {"day": "2019-06-04"}, "2019-06-04"),
        Example("dt_TU(0)", {}, error="0 is no Tuesday"),
    ],
)
def dt_TU(n: Integer = 1) -> WeekdayShift:  # noqa: N802 - rules call it so
    """Marks a Tuesday for the parameter ``weekday`` of ``dt_add``.

    A day that is a Tuesday itself counts as the first, in both directions.
    """
    return WeekdayShift.of(1, n)
