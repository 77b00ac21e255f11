"""Being in something, by columns: text in text, and text in a list or dictionary that is the same for all events."""

from __future__ import annotations

import polars as pl

from transforms.rules.columns import Arguments, Column, Fixed
from transforms.rules.function import Decline

__all__ = ["contains_columns"]


def contains_columns(call: Arguments, *, lacks: bool = False) -> Column:
    """`contains` by columns; ``lacks`` turns the answer round."""
    container, element = call.column("container"), call.column("element")
    if isinstance(container, Fixed) and isinstance(container.value, list | tuple | dict):
        if not isinstance(element, pl.Series) or element.dtype != pl.String:
            raise Decline
        texts = pl.Series("", [item for item in container.value if isinstance(item, str)], pl.String)
        found = element.is_in(texts.implode()).fill_null(any(item is None for item in container.value))
        return ~found if lacks else found
    if not isinstance(container, pl.Series) or container.dtype != pl.String:
        raise Decline
    if isinstance(element, Fixed) and isinstance(element.value, str):
        found = container.str.contains(element.value, literal=True)
    elif isinstance(element, pl.Series) and element.dtype == pl.String:
        found = pl.select(pl.lit(container).str.contains(pl.lit(element), literal=True)).to_series()
    else:
        raise Decline
    return call.completed(~found if lacks else found, found.is_not_null())
