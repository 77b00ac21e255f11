"""The greatest and the least of some values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline
from transforms.rules.functions.operators._comparison import compare, same_kind
from transforms.rules.values import kind_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column

__all__ = ["extreme", "extreme_columns"]


def extreme(operator: Callable[[Any, Any], bool], values: Sequence[Any]) -> Any:
    """The first value that no other one beats. Raises TypeError for values of several kinds."""
    best = values[0]
    for value in values if len(values) == 1 else values[1:]:
        if not same_kind(best, value):
            raise TypeError(f"{kind_of(best)} and {kind_of(value)} cannot be compared: convert them to one kind")
        if compare(operator, value, best):
            best = value
    return best


def extreme_columns(call: Arguments, *, greatest: bool) -> Column:
    """`extreme` by columns, for columns that are all text or all integers."""
    import polars as pl

    from transforms.rules.columns import series

    values = [series(value, call.rows) for value in call.many("values")]
    kinds: set[Any] = {value.dtype if isinstance(value, pl.Series) else None for value in values}
    if kinds not in ({pl.String}, {pl.Int64}):
        raise Decline
    best = values[0]
    assert isinstance(best, pl.Series)
    given = best.is_not_null()
    for value in values[1:]:
        assert isinstance(value, pl.Series)
        better = (value > best if greatest else value < best).fill_null(False)
        given = given & value.is_not_null()
        best = value.zip_with(better, best)
    return call.completed(best, given)
