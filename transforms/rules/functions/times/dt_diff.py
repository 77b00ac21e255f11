"""dt_diff"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from transforms.rules.context import Context
from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.times._kinds import AnyMoment
from transforms.rules.functions.times._moments import as_moment, instant_us
from transforms.rules.kinds import choice_of

_UNITS = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}


def _round(value: int, unit: int) -> int:
    """To the nearest; of two that are equally near, the even one."""
    whole, rest = divmod(value, unit)
    return whole + (2 * rest > unit or (2 * rest == unit and whole % 2 == 1))


_ROUNDINGS: dict[str, Callable[[int, int], int]] = {
    "floor": lambda value, unit: value // unit,
    "int": lambda value, unit: abs(value) // unit * (1 if value >= 0 else -1),
    "round": _round,
    "ceil": lambda value, unit: -(-value // unit),
}
Unit = Annotated[str, choice_of("unit", (*_UNITS, *(f"{unit}s" for unit in _UNITS)))]
Rounding = Annotated[str, choice_of("normalize", tuple(_ROUNDINGS))]

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "times",
    parameters={
        "value1": "The time to subtract from: a Datetime, the text of a time, or Unix seconds.",
        "value2": "The time that is subtracted.",
        "unit": "microsecond, millisecond, second, minute, hour, day or week, in the plural too.",
        "normalize": "How a fraction is rounded: floor (down), int (toward zero), round (to the nearest) or ceil (up).",
    },
    examples=[
        Example('dt_diff(v("a"), v("b"))', {"a": "2018-10-1 11:10:10", "b": "2018-10-1 10:10:10"}, 3600),
        Example('dt_diff(v("a"), v("b"), "minute", "ceil")', {"a": "2018-10-1 11:11:59", "b": "2018-10-1 10:10:00"}, 62),
        Example('dt_diff("2018-10-1 10:10:10", "2018-10-1 10:10:10+08:00", "hours")', {}, 8, title="Without an offset a time is in UTC"),
        Example('dt_diff("0", "1.5", normalize="int")', {}, -1),
        Example('dt_diff(v("a"), v("b"), "fortnight")', {"a": "0", "b": "0"}, error="unit is one of"),
    ],
)
def dt_diff(context: Context, value1: AnyMoment, value2: AnyMoment, unit: Unit = "second", normalize: Rounding = "floor") -> int:
    """Gives the time that lies between two times.

    It is positive if the first one is later. What counts is the time that passes, not the difference of the clocks.
    """
    passed = instant_us(as_moment(value1, None, context.clock)) - instant_us(as_moment(value2, None, context.clock))
    return _ROUNDINGS[normalize](passed, _UNITS[unit.removesuffix("s")])


@dt_diff.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.functions.times._moment_columns import instants_of

    unit, normalize = _UNITS[call.fixed("unit").removesuffix("s")], call.fixed("normalize")
    if normalize == "round":
        raise Decline
    clock = frame.state.context.clock
    first, covered = instants_of(call.column("value1"), clock)
    second, also = instants_of(call.column("value2"), clock)
    passed, holds = first - second, covered & also
    if not isinstance(passed, pl.Series) or not isinstance(holds, pl.Series):
        raise Decline
    if normalize == "floor":
        found = passed // unit
    elif normalize == "ceil":
        found = -(-passed // unit)
    else:
        found = passed.abs() // unit * passed.sign()
    return call.completed(found, holds)
