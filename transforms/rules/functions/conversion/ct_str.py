"""ct_str"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import AnyValue
from transforms.rules.values import stored_text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "conversion",
    parameters={"value": "Any value."},
    examples=[
        Example("ct_str(12)", {}, "12"),
        Example("ct_str(b'test byte')", {}, "test byte"),
        Example('ct_str([1, "a", true])', {}, '[1, "a", true]', title="Lists and dictionaries become JSON"),
        Example('ct_str(ct_int(v("n")) == 1)', {"n": "1"}, "true"),
        Example('ct_str(v("missing"))', {"n": "1"}, None, title="None stays None"),
        Example("ct_str()", {}, error="missing 1 required positional argument: 'value'"),
    ],
)
def ct_str(value: AnyValue) -> str | None:
    """Turns a value into text, as a field would keep it.

    Booleans become ``true`` and ``false``, bytes are read as UTF-8, lists and dictionaries become JSON, times are ISO with a blank
    between date and time. None stays None.
    """
    return stored_text(value)


@ct_str.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    value = call.column("value")
    if not isinstance(value, pl.Series) or value.dtype == pl.Float64:
        raise Decline
    return value.cast(pl.String)
