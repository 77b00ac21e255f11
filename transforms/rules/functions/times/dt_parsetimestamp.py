"""dt_parsetimestamp"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import AnyMoment, ZoneName
from transforms.rules.functions.times._moments import as_moment, seconds_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={
        "value": "A Datetime, the text of a time, or Unix seconds.",
        "tz": "Name of the time zone of a time without offset; UTC if it is left out.",
    },
    examples=[
        Example('dt_parsetimestamp(v("time"))', {"time": "2019-06-03 2:41:26"}, 1559529686),
        Example('dt_parsetimestamp(v("time"), tz="Asia/Tokyo")', {"time": "2019-06-03 02:41:26"}, 1559497286),
        Example(
            'dt_parsetimestamp(v("time"), tz="Asia/Tokyo")', {"time": "2019-06-02T18:41:26.9Z"}, 1559500886, title="Its own offset counts"
        ),
        Example('dt_parsetimestamp("2019-11-03 01:30:00", tz="America/New_York")', {}, 1572759000, title="Of a repeated hour the first"),
        Example('dt_parsetimestamp(v("missing"))', {}, error="None is not a time"),
        Example('dt_parsetimestamp("noon")', {}, error="is not a time"),
    ],
)
def dt_parsetimestamp(context: Context, value: AnyMoment, tz: ZoneName | None = None) -> int:
    """Gives the Unix seconds of a time of any kind.

    It reads as ``dt_parse`` does; a fraction is rounded down. A time without an offset is in the zone that is given, else in UTC.
    """
    return seconds_of(as_moment(value, tz, context.clock))


@dt_parsetimestamp.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._moment_columns import moments_of, seconds

    moments, covered = moments_of(call.column("value"), call.fixed("tz"))
    return call.completed(seconds(moments), covered)
