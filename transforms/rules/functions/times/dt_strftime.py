"""dt_strftime"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.times._kinds import Datetime, ToWrite

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={"value": "A Datetime.", "fmt": "How to write it, in the codes of strftime."},
    examples=[
        Example('dt_strftime(dt_parse(v("time")), "%Y/%m/%d %H-%M-%S")', {"time": "2019-06-03 2:41:26"}, "2019/06/03 02-41-26"),
        Example('dt_strftime(dt_parse("0987-01-02 15:00"), "%a %d %b %Y, %-I %p")', {}, "Tue 02 Jan 0987, 3 PM"),
        Example('dt_strftime(dt_parse("2019-06-03 2:41:26"), "[%z%Z] 100%%")', {}, "[] 100%", title="Without an offset"),
        Example('dt_strftime(v("time"), "%Y")', {"time": "2019-06-03 2:41:26"}, error="a Datetime is needed, not text"),
        Example('dt_strftime(dt_parse("0"), "50%")', {}, error="ends in the middle of a code"),
    ],
)
def dt_strftime(value: Datetime, fmt: ToWrite) -> str:
    """Writes a Datetime in a format.

    The codes are those of C and Python, with English names on every machine: ``%Y %m %d %H %M %S``, ``%f`` (microseconds),
    ``%z`` (offset), ``%Z`` (zone's name), ``%a %A %b %B`` (names), ``%I %p``, ``%j``, ``%U %W``, ``%G %V %u``, ``%c %x %X``, ``%%``; beside them
    ``%F %T %D %R %e %s`` and ``%-d`` without leading zeros. The year always has four digits.
    """
    return fmt.write(value)


@dt_strftime.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.times._format_columns import written
    from transforms.rules.functions.times._moment_columns import moments_in

    return written(moments_in(call.column("value")), call.fixed("fmt"))
