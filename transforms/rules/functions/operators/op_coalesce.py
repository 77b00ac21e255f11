"""op_coalesce"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Lazy

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"values": "One or more values."},
    examples=[
        Example('op_coalesce(v("a"), v("b"))', {"b": "hello"}, "hello"),
        Example('op_coalesce(v("a"), "b")', {"a": ""}, "", title="An empty field is there"),
        Example('op_coalesce(v("a"), v("b"), 7)', {"c": "1"}, 7),
        Example('op_coalesce(v("a"), null)', {"c": "1"}, None),
        Example('op_coalesce(v("a"), op_div_floor(1, 0))', {"a": "1"}, "1", title="Values that are not reached are not evaluated"),
        Example("op_coalesce()", {}, error="needs at least one argument"),
    ],
)
def op_coalesce(*values: Lazy) -> Any:
    """Gives the first value that is there.

    There are all values but None (which a missing field gives); an empty text is there. Without any the answer is None. The same as
    ``op_ifnull``.
    """
    return next((given for value in values if (given := value.value()) is not None), None)


@op_coalesce.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._lazily import first_given

    values: tuple[Any, ...] = call.many("values")
    return first_given(frame, [value.expression for value in values])
