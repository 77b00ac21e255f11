"""Texts that Rust's regular expressions read as Python's do: ASCII without line feeds. The others go to a scalar form, text by text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from transforms.rules.columns import Arguments, Column
from transforms.rules.event import EventFailed
from transforms.rules.frame import Failure, Frame
from transforms.rules.function import Decline

__all__ = ["in_parts", "plain"]


def plain(texts: pl.Series) -> pl.Series:
    """Which texts are plain (Boolean; True for null)."""
    return ((texts.str.len_bytes() == texts.str.len_chars()) & ~texts.str.contains("\n", literal=True)).fill_null(True)


def in_parts(
    frame: Frame, call: Arguments, texts: pl.Series, columnar: Callable[[pl.Series], pl.Series], scalar: Callable[[str], Any], name: str
) -> Column:
    """What ``columnar`` gives for plain texts and ``scalar`` for the others, once for each distinct text.

    ``scalar`` may fail: its events do, in the name of the function. Declines where Rust's engine needs more memory than it may have.
    """
    plainly = plain(texts)
    try:
        found = columnar(texts)
    except pl.exceptions.ComputeError:
        raise Decline from None
    if plainly.all():
        return found
    memo: dict[str | None, Any] = {None: None}
    results: list[Any] = []
    failures: dict[str, list[int]] = {}
    others = (~plainly).arg_true()
    for row, text in zip(others.to_list(), texts.gather(others).to_list(), strict=True):
        if text not in memo:
            try:
                memo[text] = scalar(text)
            except Exception as error:  # noqa: BLE001 - the reason is kept
                # Whatever a function cannot do with a text fails its events, with the reason, and no others.
                memo[text] = EventFailed.of(name, error, call.start, call.end)
        result = memo[text]
        if isinstance(result, EventFailed):
            failures.setdefault(result.reason, []).append(row)
            result = None
        results.append(result)
    for reason, rows in failures.items():
        frame.fail(pl.Series("", rows, pl.UInt32), Failure(reason, call.start, call.end))
    return found.scatter(others, pl.Series("", results, found.dtype))
