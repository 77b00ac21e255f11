"""dt_FR"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._weekdays import WeekdayShift
from transforms.rules.kinds import Integer


@expression(
    "times",
    parameters={"n": "Which Friday: 1 is the first on or after the day, -1 the first on or before it; not 0."},
    examples=[
        Example('dt_str(dt_add(v("day"), weekday=dt_FR(1)), "%F")', {"day": "2019-06-04"}, "2019-06-07"),
        Example('dt_str(dt_add(v("day"), weekday=dt_FR(op_neg(1))), "%F")', {"day": "2019-06-04"}, "2019-05-31"),
        Example('dt_str(dt_add(v("day"), weekday=dt_FR()), "%F")', {"day": "2019-06-04"}, "2019-06-07"),
        Example("dt_FR(0)", {}, error="0 is no Friday"),
    ],
)
def dt_FR(n: Integer = 1) -> WeekdayShift:  # noqa: N802 - rules call it so
    """Marks a Friday for the parameter ``weekday`` of ``dt_add``.

    A day that is a Friday itself counts as the first, in both directions.
    """
    return WeekdayShift.of(4, n)
