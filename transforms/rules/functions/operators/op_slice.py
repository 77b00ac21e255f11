"""op_slice"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline, Example, expression
from transforms.rules.functions.operators._kinds import Position
from transforms.rules.kinds import AnyValue
from transforms.rules.values import kind_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={
        "value": "Text, bytes, a list or a tuple.",
        "positions": "One or more positions: the end; or the start and the end; or the start, the end and the step.",
    },
    examples=[
        Example('op_slice(v("word"), 2)', {"word": "I,love,this,world"}, "I,", title="One number is the end"),
        Example('op_slice(v("word"), 2, 9)', {"word": "I,love,this,world"}, "love,th"),
        Example('op_slice(v("word"), 2, 9, 2)', {"word": "I,love,this,world"}, "lv,h"),
        Example('op_slice(v("word"), -5, null)', {"word": "I,love,this,world"}, "world", title="Counted from the end"),
        Example('op_slice(v("word"), null, null, -1)', {"word": "abc"}, "cba"),
        Example("op_slice([1, 2, 3], 1, 100)", {}, [2, 3], title="Positions outside are cut off"),
        Example('op_slice(v("word"), 0, 3, 0)', {"word": "abc"}, error="slice step cannot be zero"),
        Example('op_slice(v("missing"), 2)', {"a": "1"}, error="None has no slices"),
    ],
)
def op_slice(value: AnyValue, /, *positions: Position) -> Any:
    """Takes a piece of a text or list.

    Positions begin at 0; negative ones count from the end; None stands for "as far as it goes". The element at the end position is not
    part of the piece. The result is of the same kind as the value.
    """
    if not isinstance(value, str | bytes | list | tuple):
        raise TypeError(f"{kind_of(value)} has no slices")
    if len(positions) > 3:
        raise TypeError("the start, the end and the step are the most that op_slice takes")
    return value[slice(*positions)]


@op_slice.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if len(known.get("positions", ())) > 3:
        yield "op_slice: the start, the end and the step are the most that it takes", "positions"


@op_slice.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    import polars as pl

    from transforms.rules.columns import fixed

    value = call.column("value")
    positions = [fixed(position) for position in call.many("positions")]
    start, end, step = [None, *positions, None] if len(positions) == 1 else [*positions, None][:3]
    start = start or 0
    if not isinstance(value, pl.Series) or value.dtype != pl.String or step not in (None, 1):
        raise Decline
    if not 0 <= start < 2**31 or (end is not None and not 0 <= end < 2**31):
        raise Decline
    return call.completed(value.str.slice(start, None if end is None else max(0, end - start)), value.is_not_null())
