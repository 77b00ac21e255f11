"""op_round"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.arithmetic._arithmetic import MOST_DIGITS
from transforms.rules.kinds import Integer, Number

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "arithmetic",
    parameters={"a": "The number.", "digits": "How many digits stay after the point; negative: zeros before the point."},
    examples=[
        Example('op_round(v("price"), 1)', {"price": "4.56"}, 4.6),
        Example('op_round(v("price"))', {"price": "4.56"}, 5, title="Without digits the result is an integer"),
        Example("op_round(2.5)", {}, 2, title="Halves go to the even neighbour"),
        Example("op_round(4.56, 0)", {}, 5.0),
        Example("op_round(1250, -2)", {}, 1200),
        Example('op_round(v("price"), 1)', {"price": "-"}, error="could not convert string to float: '-'"),
    ],
)
def op_round(a: Number, digits: Integer | None = None) -> int | float:
    """Rounds a number.

    Text that holds a number is converted. Halves go to the even neighbour, on the binary value of the number (2.675 is a little less
    than it looks). Without digits the result is an integer; with digits a float stays a float and an integer an integer.
    """
    if digits is None:
        return round(a)
    if isinstance(a, float):
        # Beyond these, all digits stay or none does.
        return a if digits > 400 or not math.isfinite(a) else math.copysign(0.0, a) if digits < -400 else round(a, digits)
    return round(int(a), digits) if digits >= -2 * MOST_DIGITS else 0


@op_round.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.functions.arithmetic._arithmetic_columns import operands

    digits = call.fixed("digits")
    found = operands((call.column("a"),), frame.rows)
    if digits is None or abs(digits) > 400 or found.are_integers:
        raise Decline
    covered = found.covered & found.series[0].is_finite().fill_null(False)
    rounded = [round(value, digits) for value in found.series[0].filter(covered).to_list()]  # halves as only Python rounds them
    whole = pl.zeros(frame.rows, pl.Float64, eager=True).scatter(covered.arg_true(), rounded)
    return call.completed(whole, covered)
