"""Ways for column forms to do most texts in columns and leave the odd ones to the scalar form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from transforms.rules.columns import normal

__all__ = ["each", "is_ascii", "longest", "where"]


_SAMPLE = 1_000


def is_ascii(texts: pl.Series) -> pl.Series:
    """Which texts are ASCII alone, so that bytes are characters and no engine's table of Unicode matters; true for null."""
    return (texts.str.len_bytes() == texts.str.len_chars()).fill_null(True)


def longest(texts: pl.Series) -> int:
    """Bytes of the longest text; 0 if there is none."""
    found: Any = texts.str.len_bytes().max()
    return found or 0


def where(plain: pl.Series, texts: pl.Series, columnar: Callable[[pl.Series], pl.Series], scalar: Callable[[str], object]) -> pl.Series:
    """Texts of the mask ``plain`` by ``columnar``, the others one by one by ``scalar``, which must not raise; null stays null."""
    if plain.all():
        return columnar(texts)
    others = each(texts.filter(~plain), scalar)
    if not plain.any():
        return others
    done = columnar(texts.filter(plain))
    order = pl.concat([plain.arg_true(), (~plain).arg_true()]).arg_sort()
    return pl.concat([done.cast(others.dtype), others]).gather(order)


def each(texts: pl.Series, scalar: Callable[[str], object]) -> pl.Series:
    """A function of one text, once for each distinct one where texts repeat: quicker than the engine's general way, since nothing is converted.

    Null stays null.
    """
    given = texts.to_list()
    sample = given[:_SAMPLE]
    if 2 * len(set(sample)) <= len(sample):
        made = {text: None if text is None else scalar(text) for text in set(given)}
        values = [made[text] for text in given]
    else:
        values = [None if text is None else scalar(text) for text in given]
    found = normal(values)
    assert isinstance(found, pl.Series)
    return found
