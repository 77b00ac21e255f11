"""The kind of argument that only compression takes."""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.values import as_integer

__all__ = ["Level"]


def _level(value: Any) -> int:
    level = as_integer(value)
    if not 0 <= level <= 9:
        raise ValueError(f"a level from 0 to 9 is needed, not {str(level)[:20]}")
    return level


Level = Annotated[int, Kind("a level from 0 to 9", _level)]
