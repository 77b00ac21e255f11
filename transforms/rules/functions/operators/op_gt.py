"""op_gt"""

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
        Example('op_gt(ct_int(v("new")), ct_int(v("old")))', {"new": "16", "old": "9"}, True),
        Example('op_gt(v("new"), v("old"))', {"new": "16", "old": "9"}, False, title="Two texts compare letter by letter"),
        Example('op_gt(v("age"), 18)', {"age": "21"}, True, title="Text beside a number counts as a number"),
        Example('v("age") > 18', {"age": "20.5"}, True),
        Example("op_gt([2, 1], [1, 5])", {}, True, title="Lists compare item by item"),
        Example('op_gt(v("age"), 18)', {"age": "x"}, error="it is not a number"),
        Example('op_gt(v("missing"), 18)', {}, error="None and an integer cannot be compared"),
    ],
)
def op_gt(a: AnyValue, b: AnyValue) -> bool:
    """Tells whether the first value is greater than the second.

    Numbers compare by value, two texts by code points (``"9"`` is greater than ``"10"``), lists item by item. Where one side is a number
    and the other is text, the text has to hold a number. Rules may also write ``a > b``.
    """
    return compare(operator.gt, a, b)


@op_gt.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._comparison_columns import compare_columns

    return compare_columns(call, operator.gt)
