"""Regular expressions over columns of text: Rust's engine where both engines agree, `Pattern` for the other texts."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from transforms.rules.cells import only_where
from transforms.rules.pattern import Pattern

__all__ = ["among", "by_distinct", "few_distinct", "matches"]

_ODD = r"[\x00-\x08\x0a-\x1f\x7f]"
"""Line ends and other characters that engines may take for different things, such as blanks."""


def matches(texts: pl.Series, pattern: Pattern, *, whole: bool) -> pl.Series:
    """Which texts the pattern matches, in whole or somewhere (Boolean; False for null). Raises TimeoutError as `Pattern.search` does."""

    def scalar(text: str) -> bool:
        return (pattern.whole(text) if whole else pattern.search(text)) is not None

    few = few_distinct(texts)
    if few is not None:
        return among(texts, [text for text in few if scalar(text)])
    rust = pattern.rust()
    if rust is None:
        return by_distinct(texts, scalar)
    expression = rf"\A(?:{rust})\z" if whole else rust
    plain = ((texts.str.len_bytes() == texts.str.len_chars()) & ~texts.str.contains(_ODD)).fill_null(True)
    try:
        found = texts.str.contains(expression, strict=True).fill_null(False)
    except pl.exceptions.ComputeError:  # too large for Rust's engine, which has a limit of memory
        return by_distinct(texts, scalar)
    if plain.all():
        return found
    return found.zip_with(plain, by_distinct(only_where(texts, ~plain), scalar))


FEW = 64
"""Distinct texts of which each is looked at by itself."""


def few_distinct(texts: pl.Series) -> list[str] | None:
    """The distinct texts of a column (without null), if they are few: codes, levels, methods; otherwise None."""
    if texts.head(16 * FEW).n_unique() > FEW:
        return None
    distinct = texts.unique()
    return distinct.drop_nulls().to_list() if len(distinct) <= FEW else None


def among(texts: pl.Series, wanted: list[str]) -> pl.Series:
    """Which texts are among a few (Boolean; False for null)."""
    found = pl.Series("", [False], pl.Boolean).new_from_index(0, len(texts))
    for text in wanted:
        found |= (texts == text).fill_null(False)
    return found


def by_distinct(texts: pl.Series, scalar: Callable[[str], bool]) -> pl.Series:
    """A test of one text, over all of them, once for each distinct text (Boolean; False for null)."""
    memo: dict[str | None, bool] = {None: False}
    results: list[bool] = []
    for text in texts.to_list():
        known = memo.get(text)
        if known is None:
            assert text is not None
            known = memo[text] = scalar(text)
        results.append(known)
    return pl.Series("", results, pl.Boolean)
