"""dt_strptime"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import ToRead
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={"value": "The text of a time.", "fmt": "How it is written, in the codes of strptime."},
    examples=[
        Example('dt_strptime(v("time"), "%Y/%m/%d %H-%M-%S")', {"time": "2019/06/03 02-41-26"}, dt.datetime(2019, 6, 3, 2, 41, 26)),
        Example(
            'dt_str(dt_strptime(v("time"), "%d/%b/%Y:%H:%M:%S %z"))', {"time": "10/Jun/2019:11:32:16 +0800"}, "2019-06-10 11:32:16+08:00"
        ),
        Example('dt_strptime("11:32 pm", "%I:%M %p")', {}, dt.datetime(1900, 1, 1, 23, 32), title="What is missing is of 1900-01-01"),
        Example('dt_strptime("2019-06", "%Y/%m")', {}, error="time data '2019-06' does not match format '%Y/%m'"),
        Example('dt_strptime("2019-06-03", "%Y-%m")', {}, error="unconverted data remains: -03"),
        Example('dt_strptime(v("time"), "%Y-%Q")', {"time": "2019"}, error="cannot be read"),
    ],
)
def dt_strptime(value: Text, fmt: ToRead) -> dt.datetime:
    """Reads a time that is written in a certain format.

    Numbers need no leading zeros; names of months and days are English, in any letter case; blanks stand for any number of blanks.
    The whole text has to fit. The Datetime has an offset only if the format has ``%z``. ``%p`` counts only beside ``%I``.
    """
    return fmt.read(value)


@dt_strptime.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._format_columns import read
    from transforms.rules.functions.times._moment_columns import completed

    return completed(call, *read(call.text("value"), call.fixed("fmt")))
