"""op_not"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue
from transforms.rules.values import truth

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"value": "A value or condition."},
    examples=[
        Example('op_not(v("a"))', {"a": ""}, True),
        Example('op_not(v("a"))', {"a": "False"}, False, title="Any text that is not empty is true"),
        Example('op_not(v("missing"))', {"a": "1"}, True, title="A missing field counts as an empty one"),
        Example('not e_has("a")', {"a": "1"}, False),
        Example("op_not()", {}, error="missing 1 required positional argument: 'value'"),
    ],
)
def op_not(value: AnyValue) -> bool:
    """Turns true into false and false into true.

    False are None, ``false``, 0, and empty text, lists and dictionaries; all else is true. Rules may also write ``not a``.
    """
    return not truth(value)


@op_not.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.columns import condition_mask

    return ~condition_mask(call.column("value"), frame.rows)
