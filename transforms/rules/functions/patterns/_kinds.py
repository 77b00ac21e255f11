"""Kinds of arguments that only functions with regular expressions take."""

from __future__ import annotations

from typing import Any

from transforms.rules.kinds import Kind
from transforms.rules.values import as_mapping

__all__ = ["DEFINITIONS"]


def _definitions(value: Any) -> dict[str, str]:
    found = as_mapping(value)
    if not all(isinstance(name, str) and isinstance(text, str) for name, text in found.items()):
        raise TypeError("definitions are a dictionary of names and regular expressions, both text")
    return dict(found)


DEFINITIONS = Kind("a dictionary of names and regular expressions", _definitions)
