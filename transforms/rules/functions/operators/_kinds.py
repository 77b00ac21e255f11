"""Kinds of arguments that the operators take."""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.kinds import Kind
from transforms.rules.values import as_integer

__all__ = ["Position"]


def _position(value: Any) -> int | None:
    return None if value is None else as_integer(value)


Position = Annotated[int | None, Kind("an integer, text that holds one, or None", _position)]
