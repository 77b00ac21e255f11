"""Pairs of a field name and a regular expression: what ``e_match_all`` and ``e_match_any`` share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from transforms.rules.function import Decline
from transforms.rules.pattern import Pattern

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments
    from transforms.rules.event import Event
    from transforms.rules.frame import Frame

__all__ = ["each", "masks", "problems"]


def each(event: Event, pairs: Sequence[str], full: bool) -> Iterator[bool]:
    """Whether the fields match, pair after pair."""
    for name, text in zip(pairs[::2], pairs[1::2], strict=True):
        pattern = Pattern.of(text)
        value = event.get(name)
        yield value is not None and (pattern.whole(value) if full else pattern.search(value)) is not None


def masks(frame: Frame, call: Arguments) -> Iterator[pl.Series]:
    """The same over a frame. Declines unless names and expressions are the same for all events."""
    import polars as pl

    from transforms.rules.columns import fixed
    from transforms.rules.matching import matches

    full = call.fixed("full")
    pairs: list[str] = [fixed(part) for part in call.many("pairs")]
    if len(pairs) % 2 or not all(isinstance(part, str) for part in pairs):
        raise Decline
    for name, text in zip(pairs[::2], pairs[1::2], strict=True):
        column = frame.column(name)
        try:
            pattern = Pattern.of(text)
            none = pl.Series("", [False], pl.Boolean)
            yield none.new_from_index(0, frame.rows) if column is None else matches(column, pattern, whole=full)
        except (TimeoutError, ValueError):
            raise Decline from None  # the scalar form finds out which events fail


def problems(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Constant expressions that are none."""
    for text in known["pairs"][1::2]:
        if text is not None:
            try:
                Pattern.of(text)
            except ValueError as error:
                yield str(error), "pairs"
