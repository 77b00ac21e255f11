"""op_and"""

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
        Example('op_and(v("a"), v("b"))', {"a": "123", "b": "234"}, True),
        Example('op_and(v("a"), v("b"))', {"a": "0", "b": "234"}, True, title="The text 0 is true, as any text that is not empty"),
        Example('op_and(v("a"), v("missing"))', {"a": "1"}, False),
        Example('op_and(e_has("n"), op_gt(ct_int(v("n")), 5))', {"a": "1"}, False, title="Operands that are not reached are not evaluated"),
        Example('v("a") == "1" and v("b") == "2"', {"a": "1", "b": "2"}, True),
        Example('op_and(v("a"), op_div_floor(1, v("b")))', {"a": "1", "b": "0"}, error="integer division or modulo by zero"),
    ],
)
def op_and(*values: Lazy) -> bool:
    """Tells whether all of some values are true.

    False are None, ``false``, 0, and empty text, lists and dictionaries; all else is true, also the texts ``"0"`` and ``"false"``. The
    values are looked at from the left, and no further than to the first false one. Rules may also write ``a and b``.
    """
    return all(value.test() for value in values)


@op_and.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._lazily import held
    from transforms.rules.numeric_columns import all_true

    holds = all_true(frame.rows)
    values: tuple[Any, ...] = call.many("values")
    for value in values:
        holds = held(frame, value.expression, holds)
    return holds
