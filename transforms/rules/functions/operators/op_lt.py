"""op_lt"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.operators._comparison import compare
from transforms.rules.kinds import AnyValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"a": "A value.", "b": "What it is compared with."},
    examples=[
        Example('op_lt(ct_int(v("priority")), ct_int(v("price")))', {"priority": "16", "price": "14"}, False),
        Example('v("seconds") < 0.5', {"seconds": "0.25"}, True),
        Example('op_lt("10", "9")', {}, True, title="Two texts compare letter by letter"),
        Example('op_lt([1, "a"], [1, 2])', {}, error="it is not a number"),
    ],
)
def op_lt(a: AnyValue, b: AnyValue) -> bool:
    """Tells whether the first value is less than the second.

    Numbers compare by value, two texts by code points (``"9"`` is greater than ``"10"``), lists item by item. Where one side is a number
    and the other is text, the text has to hold a number. Rules may also write ``a < b``.
    """
    return compare(operator.lt, a, b)


@op_lt.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._comparison_columns import compare_columns

    return compare_columns(call, operator.lt)
