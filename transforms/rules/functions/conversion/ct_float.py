"""ct_float"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import AnyValue
from transforms.rules.values import kind_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "conversion",
    parameters={"value": "Text or a number."},
    examples=[
        Example('ct_float(v("n"))', {"n": "2"}, 2.0),
        Example('ct_float(v("n"))', {"n": " -1.5e3 "}, -1500.0),
        Example('ct_float("inf")', {}, float("inf")),
        Example('ct_float(v("n"))', {"n": "1,5"}, error="could not convert string to float: '1,5'"),
        Example('ct_float(v("missing"))', {"n": "1"}, error="a float cannot be made of None"),
    ],
)
def ct_float(value: AnyValue) -> float:
    """Turns text or a number into a float.

    Text may have a sign, an exponent and blanks around it; ``inf`` and ``nan`` are read too.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if not isinstance(value, str | int | float):
        raise TypeError(f"a float cannot be made of {kind_of(value)}")
    return float(value)


@ct_float.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    value = call.column("value")
    if not isinstance(value, pl.Series) or value.dtype not in (pl.String, pl.Int64):
        raise Decline
    found = value.cast(pl.Float64, strict=False)
    return call.completed(found, found.is_not_null())
