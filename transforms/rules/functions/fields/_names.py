"""Which fields a step's arguments mean: regular expressions for whole names, or the names as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from transforms.rules.pattern import Pattern

__all__ = ["bad_patterns", "names_meant"]


def names_meant(names: Sequence[str], wanted: Iterable[str], regex: bool) -> list[str]:
    """Those of ``names``, in their order, that one of the wanted texts means. Raises ValueError for what is no regular expression."""
    return list(_meant(tuple(names), tuple(wanted), regex))


@lru_cache(maxsize=1024)
def _meant(names: tuple[str, ...], wanted: tuple[str, ...], regex: bool) -> tuple[str, ...]:
    if not regex:
        return tuple(name for name in names if name in wanted)
    patterns = [Pattern.of(text) for text in wanted]
    return tuple(name for name in names if any(pattern.whole(name) for pattern in patterns))


def bad_patterns(known: dict[str, Any], parameter: str, place: int = 0, every: int = 1) -> Iterator[tuple[str, str]]:
    """Problems of a rule: constant texts that are to be regular expressions and are none."""
    if known.get("regex", True) is not True:
        return
    for text in known.get(parameter, [])[place::every]:
        if isinstance(text, str):
            try:
                Pattern.of(text)
            except ValueError as error:
                yield f"{error}; regex=False takes field names as they are", parameter
