"""op_ne"""

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
        Example('op_ne(v("a"), v("b"))', {"a": "hello", "b": "hello"}, False),
        Example('v("status") != "200"', {"status": "404"}, True),
        Example('v("status") != 200', {"status": "200"}, True, title="Text and a number are never equal: convert first"),
        Example('op_ne(v("missing"), "200")', {"a": "1"}, True, title="A missing field is different from any text"),
        Example("op_ne(1)", {}, error="missing 1 required positional argument: 'b'"),
    ],
)
def op_ne(a: AnyValue, b: AnyValue) -> bool:
    """Tells whether two values are different.

    Values of different kinds are different (``"1"`` and ``1``), except that integers and floats compare by value. A missing field is
    different from everything but ``null``. Rules may also write ``a != b``.
    """
    return not equal(a, b)


@op_ne.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._comparison_columns import equal_columns

    return ~equal_columns(call)
