"""Positions in lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["check_position"]


def check_position(elements: Sequence[Any], position: int) -> None:
    """Raises ValueError for a position that a list does not have (negative ones count from the end)."""
    if not -len(elements) <= position < len(elements):
        raise ValueError(f"there is no position {position} in a list of {len(elements)} element{'s' * (len(elements) != 1)}")
