"""op_or"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Lazy

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"values": "One or more values or conditions."},
    examples=[
        Example('op_or(v("a"), v("b"))', {"a": "", "b": "1"}, True),
        Example('op_or(v("a"), v("missing"))', {"a": ""}, False),
        Example('op_or(v("a"), 0)', {"a": "0"}, True, title="The text 0 is true, as any text that is not empty"),
        Example('op_or(e_has("a"), op_div_floor(1, 0))', {"a": "1"}, True, title="Operands that are not reached are not evaluated"),
        Example('v("a") == "1" or v("b") == "1"', {"a": "2", "b": "1"}, True),
        Example("op_or()", {}, error="needs at least one argument"),
    ],
)
def op_or(*values: Lazy) -> bool:
    """Tells whether at least one of some values is true.

    False are None, ``false``, 0, and empty text, lists and dictionaries; all else is true, also the texts ``"0"`` and ``"false"``. The
    values are looked at from the left, and no further than to the first true one. Rules may also write ``a or b``.
    """
    return any(value.test() for value in values)


@op_or.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._lazily import held
    from transforms.rules.numeric_columns import all_true

    open_for = all_true(frame.rows)
    values: tuple[Any, ...] = call.many("values")
    for value in values:
        open_for = open_for & ~held(frame, value.expression, open_for)
    return ~open_for
