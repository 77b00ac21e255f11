"""dt_TH"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._weekdays import WeekdayShift
from transforms.rules.kinds import Integer


@expression(
    "times",
    parameters={"n": "Which Thursday: 1 is the first on or after the day, -1 the first on or before it; not 0."},
    examples=[
        Example('dt_str(dt_add(v("day"), weekday=dt_TH(1)), "%F")', {"day": "2019-06-04"}, "2019-06-06"),
        Example('dt_str(dt_add(v("day"), weekday=dt_TH(op_neg(1))), "%F")', {"day": "2019-06-04"}, "2019-05-30"),
        Example('dt_str(dt_add(v("day"), weekday=dt_TH()), "%F")', {"day": "2019-06-04"}, "2019-06-06"),
        Example("dt_TH(0)", {}, error="0 is no Thursday"),
    ],
)
def dt_TH(n: Integer = 1) -> WeekdayShift:  # noqa: N802 - rules call it so
    """Marks a Thursday for the parameter ``weekday`` of ``dt_add``.

    A day that is a Thursday itself counts as the first, in both directions.
    """
    return WeekdayShift.of(3, n)
