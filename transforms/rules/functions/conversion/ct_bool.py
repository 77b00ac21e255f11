"""ct_bool"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue
from transforms.rules.values import truth

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "conversion",
    parameters={"value": "Any value."},
    examples=[
        Example('ct_bool(v("n"))', {"n": "2"}, True),
        Example('ct_bool(v("n"))', {"n": "false"}, True, title="Text is true unless it is empty"),
        Example('ct_bool(v("n"))', {"n": ""}, False),
        Example('ct_bool(v("missing"))', {"n": "1"}, False),
        Example("ct_bool(0.0)", {}, False),
        Example("ct_bool()", {}, error="missing 1 required positional argument: 'value'"),
    ],
)
def ct_bool(value: AnyValue) -> bool:
    """Tells whether a value is true.

    False are None, ``false``, 0, and empty text, bytes, lists and dictionaries; all else is true, also the texts ``"0"`` and ``"false"``.
    """
    return truth(value)


@ct_bool.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.columns import condition_mask

    return condition_mask(call.column("value"), frame.rows)
