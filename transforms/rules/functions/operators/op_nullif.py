"""op_nullif"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.operators._comparison import equal
from transforms.rules.kinds import AnyValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"a": "A value.", "b": "The value that turns into None."},
    examples=[
        Example('op_nullif(v("a"), v("b"))', {"a": "hello", "b": "Etl"}, "hello"),
        Example('op_nullif(v("a"), "-")', {"a": "-"}, None),
        Example('op_nullif(v("a"), 0)', {"a": "0"}, "0", title="Text and a number are never equal"),
        Example('op_nullif(v("a"))', {}, error="missing 1 required positional argument: 'b'"),
    ],
)
def op_nullif(a: AnyValue, b: AnyValue) -> Any:
    """Gives None if two values are equal, otherwise the first.

    Values are equal as ``op_eq`` says. A step such as ``e_set`` leaves a field alone when its value is None.
    """
    return None if equal(a, b) else a


@op_nullif.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.columns import series
    from transforms.rules.functions.operators._comparison_columns import equal_columns

    values = series(call.column("a"), frame.rows)
    if isinstance(values, list):
        raise Decline
    return pl.select(pl.when(~equal_columns(call)).then(values)).to_series()
