"""str_format"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.strings._formats import Format, filled, needed, simple_parts
from transforms.rules.kinds import AnyValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={
        "fmt": "Text with `{}` where the values go, one after the other, or `{0}`, `{1}` by number; `{{` and `}}` give single braces.",
        "values": "The values.",
    },
    examples=[
        Example('str_format("{}={}", v("a"), v("b"))', {"a": "x", "b": "1"}, "x=1"),
        Example('str_format("{1}-{0:>4}|", "a", v("b"))', {"b": "z"}, "z-   a|", title="By number, and to the right in four characters"),
        Example('str_format("{:08.3f}", ct_float(v("a")))', {"a": "3.14159"}, "0003.142", title="A number, as Python formats it"),
        Example('str_format("{{{}}}", v("a"))', {"a": "x"}, "{x}", title="Doubled braces are braces"),
        Example('str_format("{} {}", v("a"))', {"a": "x"}, error="needs 2 values but 1 was given"),
        Example('str_format("{0.real}", 1)', {}, error="attributes and items of values cannot be reached"),
        Example('str_format("{}", v("missing"))', {}, error="None is not text"),
    ],
)
def str_format(fmt: Format, *values: AnyValue) -> str:
    """Puts values into a text, by Python's format strings.

    Numbers and times take Python's format specifications (`{:.2f}`, `{:>10}`, `{:%Y-%m-%d}`); all other values are turned into text as
    a field keeps them, and can be aligned. Values beyond those that the format uses are left out. Attributes (`{0.x}`) and items
    (`{0[x]}`) of values are refused, and so are widths that would fill the memory.
    """
    return filled(fmt, values)


@str_format.at_load
def _check(known: dict[str, Any]) -> list[tuple[str, str]]:
    if not isinstance(known.get("fmt"), str):
        return []
    least, given = needed(known["fmt"]), len(known["values"])
    if least <= given:
        return []
    return [(f"the format needs {least} value{'s' * (least != 1)} but {given} {'was' if given == 1 else 'were'} given", "fmt")]


@str_format.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.columns import text
    from transforms.rules.limits import MOST_CHARACTERS
    from transforms.rules.text_columns import longest

    parts = simple_parts(call.fixed("fmt"))
    values = call.many("values")
    if parts is None or any(place >= len(values) for _, place in parts if place is not None):
        raise Decline
    pieces: list[pl.Expr] = []
    columns: dict[str, pl.Series] = {}
    size = 0
    for literal, place in parts:
        pieces.append(pl.lit(literal))
        size += len(literal)
        if place is None:
            continue
        column = text(values[place], call.rows)
        if column.null_count():
            raise Decline
        size += longest(column)
        columns[str(place)] = column
        pieces.append(pl.col(str(place)))
    if size > MOST_CHARACTERS or not columns:
        raise Decline
    return pl.DataFrame(columns).select(pl.concat_str(pieces)).to_series()
