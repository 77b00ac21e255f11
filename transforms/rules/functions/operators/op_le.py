"""op_le"""

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
        Example('op_le(op_sum(v("a"), v("b")), 1000)', {"a": "700", "b": "300"}, True),
        Example('v("a") <= v("b")', {"a": "2", "b": "10"}, False, title="Two texts compare letter by letter"),
        Example("op_le(1, 1.0)", {}, True),
        Example("op_le(true, 1)", {}, error="a Boolean and an integer cannot be compared"),
    ],
)
def op_le(a: AnyValue, b: AnyValue) -> bool:
    """Tells whether the first value is less than the second or equal to it.

    Numbers compare by value, two texts by code points (``"9"`` is greater than ``"10"``), lists item by item. Where one side is a number
    and the other is text, the text has to hold a number. Rules may also write ``a <= b``.
    """
    return compare(operator.le, a, b)


@op_le.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._comparison_columns import compare_columns

    return compare_columns(call, operator.le)
