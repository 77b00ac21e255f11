"""The functions of the dialect, one file per family; a file joins by holding a tuple called ``FUNCTIONS``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from transforms.sql.functions.model import Function

__all__ = ["function_names", "functions_named"]


@cache
def _registry() -> dict[str, tuple[Function, ...]]:
    found: dict[str, list[Function]] = {}
    for module in pkgutil.iter_modules(__path__):
        declared: tuple[Function, ...] = getattr(importlib.import_module(f"{__name__}.{module.name}"), "FUNCTIONS", ())
        for function in declared:
            for name in (function.signature.name, *function.aliases):
                found.setdefault(name, []).append(function)
    return {name: tuple(group) for name, group in found.items()}


def functions_named(name: str) -> tuple[Function, ...]:
    """All signatures under a name, letter case aside; empty when there is no such function."""
    return _registry().get(name.casefold(), ())


def function_names() -> tuple[str, ...]:
    """Every function name, sorted."""
    return tuple(sorted(_registry()))
