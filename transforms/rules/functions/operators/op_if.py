"""op_if"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Lazy

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments, Column
    from transforms.rules.expressions import Expression
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"condition": "What decides.", "a": "The value if it is true.", "b": "The value if it is false."},
    examples=[
        Example('op_if(v("content"), "there", "empty")', {"content": "hello"}, "there"),
        Example('op_if(v("status") >= 400, "bad", "good")', {"status": "200"}, "good"),
        Example('op_if(v("missing"), 1, 2)', {"a": "1"}, 2),
        Example('op_if(v("n") == "0", 0, op_div_floor(10, v("n")))', {"n": "0"}, 0, title="Only the value that is needed is evaluated"),
        Example("op_if(true, 1)", {}, error="missing 1 required positional argument: 'b'"),
    ],
)
def op_if(condition: Lazy, a: Lazy, b: Lazy) -> Any:
    """Gives one of two values, as a condition decides.

    False are None, ``false``, 0, and empty text, lists and dictionaries; all else is true. The other value is not evaluated, so that it
    cannot fail.
    """
    return a.value() if condition.test() else b.value()


@op_if.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.columns import together

    holds: pl.Series = call.lazy("condition").expression.mask(frame)
    a: Expression = call.lazy("a").expression
    b: Expression = call.lazy("b").expression
    if holds.all():
        return a.column(frame)
    if not holds.any():
        return b.column(frame)
    return together([holds, ~holds], [a.column(frame.select(holds)), b.column(frame.select(~holds))])
