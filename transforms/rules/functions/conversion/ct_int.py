"""ct_int"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import AnyValue, Integer
from transforms.rules.values import kind_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame

MOST_CHARACTERS = 10_000
"""Longest text that is read as an integer."""


@expression(
    "conversion",
    parameters={"value": "Text or a number.", "base": "The base in which the text is written, 2 to 36."},
    examples=[
        Example('ct_int(v("n"))', {"n": "2"}, 2),
        Example('ct_int(v("n"), base=16)', {"n": "AB"}, 171),
        Example('ct_int("0x1f", 16)', {}, 31, title="The prefix of the base may be there"),
        Example("ct_int(-2.9)", {}, -2, title="A float loses its fraction"),
        Example('ct_int(v("n"))', {"n": " -7 "}, -7),
        Example('ct_int(v("n"))', {"n": "4.5"}, error="invalid literal for int() with base 10: '4.5'"),
        Example('ct_int(v("missing"))', {"n": "1"}, error="an integer cannot be made of None"),
        Example('ct_int("1", 1)', {}, error="base is 2 to 36, not 1"),
    ],
)
def ct_int(value: AnyValue, base: Integer = 10) -> int:
    """Turns text or a number into an integer.

    Text is read in the given base, with a sign, blanks around it, and the prefix ``0x``, ``0o`` or ``0b`` if it fits the base. Text with
    a fraction or an exponent is no integer: ``ct_int(ct_float(v("n")))`` cuts the fraction off.
    """
    if not 2 <= base <= 36:
        raise ValueError(f"base is 2 to 36, not {base}")
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if isinstance(value, str):
        if len(value) > MOST_CHARACTERS:
            raise ValueError(f"the text has {len(value):,} characters; integers of {MOST_CHARACTERS:,} are the longest")
        return int(value, base)
    if not isinstance(value, int | float):
        raise TypeError(f"an integer cannot be made of {kind_of(value)}")
    if base != 10:
        raise TypeError("a base goes with text only")
    return int(value)


@ct_int.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    base = known.get("base", 10)
    if base is not None and not 2 <= base <= 36:
        yield f"ct_int: base is 2 to 36, not {base}", "base"


@ct_int.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.numeric_columns import integers

    value = call.column("value")
    if call.fixed("base") != 10 or not isinstance(value, pl.Series) or value.dtype not in (pl.String, pl.Int64):
        raise Decline
    found = integers(value, frame.rows)
    return call.completed(found.series, found.covered)
