"""op_eq"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.operators._comparison import equal
from transforms.rules.kinds import AnyValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"a": "A value.", "b": "What it is compared with."},
    examples=[
        Example('op_eq(v("a"), v("b"))', {"a": "hello", "b": "hello"}, True),
        Example('v("method") == "GET"', {"method": "POST"}, False),
        Example('op_eq(v("status"), 200)', {"status": "200"}, False, title="Text and a number are never equal: convert first"),
        Example('op_eq(ct_int(v("status")), 200)', {"status": "200"}, True),
        Example("op_eq(1, 1.0)", {}, True),
        Example('op_eq(v("missing"), null)', {"a": "1"}, True),
        Example("op_eq(1)", {}, error="missing 1 required positional argument: 'b'"),
    ],
)
def op_eq(a: AnyValue, b: AnyValue) -> bool:
    """Tells whether two values are equal.

    Values of different kinds are not equal (``"1"`` and ``1``), except that integers and floats compare by value. A missing field is
    equal to ``null`` alone. Rules may also write ``a == b``.
    """
    return equal(a, b)


@op_eq.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._comparison_columns import equal_columns

    return equal_columns(call)
