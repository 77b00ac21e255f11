"""dt_strftimestamp"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import Timestamp, ToWrite, ZoneName
from transforms.rules.functions.times._moments import in_zone

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={
        "timestamp": "Unix seconds.",
        "fmt": "How to write them, in the codes of strftime.",
        "tz": "Name of the time zone to convert to; UTC if it is left out.",
    },
    examples=[
        Example('dt_strftimestamp(v("time"), "%Y/%m/%d %H-%M-%S")', {"time": "1559500886"}, "2019/06/02 18-41-26"),
        Example('dt_strftimestamp(v("time"), "%F %T %z", tz="Asia/Tokyo")', {"time": "1559500886"}, "2019-06-03 03:41:26 +0900"),
        Example('dt_strftimestamp("-0.5", "%T.%f")', {}, "23:59:59.500000"),
        Example('dt_strftimestamp(v("time"), "%Y")', {"time": "2019-06-03"}, error="a Unix timestamp in seconds is needed"),
    ],
)
def dt_strftimestamp(timestamp: Timestamp, fmt: ToWrite, tz: ZoneName | None = None) -> str:
    """Writes Unix seconds in a format.

    The codes are those of ``dt_strftime``.
    """
    return fmt.write(in_zone(timestamp, tz))


@dt_strftimestamp.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._format_columns import written
    from transforms.rules.functions.times._moment_columns import timestamps_of

    moments, covered = timestamps_of(call.column("timestamp"), call.fixed("tz"))
    return call.completed(written(moments, call.fixed("fmt")), covered)
