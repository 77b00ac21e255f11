"""op_ge"""

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
        Example('op_ge(ct_int(v("apple")), ct_int(v("orange")))', {"apple": "16", "orange": "14"}, True),
        Example('v("status") >= 400', {"status": "400"}, True),
        Example('op_ge(v("a"), v("b"))', {"a": "b", "b": "ab"}, True, title="Text"),
        Example("op_ge(1, null)", {}, error="an integer and None cannot be compared"),
    ],
)
def op_ge(a: AnyValue, b: AnyValue) -> bool:
    """Tells whether the first value is greater than the second or equal to it.

    Numbers compare by value, two texts by code points (``"9"`` is greater than ``"10"``), lists item by item. Where one side is a number
    and the other is text, the text has to hold a number. Rules may also write ``a >= b``.
    """
    return compare(operator.ge, a, b)


@op_ge.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._comparison_columns import compare_columns

    return compare_columns(call, operator.ge)
