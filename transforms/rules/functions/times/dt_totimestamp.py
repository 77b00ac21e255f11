"""dt_totimestamp"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import Datetime
from transforms.rules.functions.times._moments import seconds_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={"value": "A Datetime."},
    examples=[
        Example('dt_totimestamp(dt_parse(v("time")))', {"time": "2019-06-03 2:41:26"}, 1559529686),
        Example('dt_totimestamp(dt_parse("2019-06-03 02:41:26.9+08:00"))', {}, 1559500886),
        Example('dt_totimestamp(v("time"))', {"time": "2019-06-03 2:41:26"}, error="a Datetime is needed, not text"),
    ],
)
def dt_totimestamp(value: Datetime) -> int:
    """Gives the Unix seconds of a Datetime.

    A fraction is rounded down; a Datetime without an offset is in UTC. ``dt_parsetimestamp`` takes texts too.
    """
    return seconds_of(value)


@dt_totimestamp.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._moment_columns import moments_in, seconds

    return seconds(moments_in(call.column("value")))
