"""op_min"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.operators._extremes import extreme
from transforms.rules.kinds import AnyValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"values": "One or more values of the same kind."},
    examples=[
        Example('op_min(ct_int(v("a")), ct_int(v("b")))', {"a": "2", "b": "13"}, 2),
        Example('op_min(v("a"), v("b"))', {"a": "2", "b": "13"}, "13", title="Texts compare letter by letter"),
        Example("op_min(1, 2.5, 1)", {}, 1),
        Example('op_min(v("a"), 5)', {"a": "2"}, error="text and an integer cannot be compared: convert"),
        Example('op_min(v("a"), v("missing"))', {"a": "2"}, error="None"),
    ],
)
def op_min(*values: AnyValue) -> Any:
    """Gives the least of some values.

    Numbers compare by value, texts by code points, lists item by item. Of equal values the first is given. All values have to be of
    one kind; fields are text, so convert them to compare them as numbers.
    """
    return extreme(operator.lt, values)


@op_min.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._extremes import extreme_columns

    return extreme_columns(call, greatest=False)
