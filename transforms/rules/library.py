"""Which functions there are: the listing of ``transforms/rules/functions/FAMILY/NAME.py``. A module is imported when its function is used."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from transforms.core.errors import NotFound
from transforms.core.suggest import suggestion
from transforms.rules.function import Function

__all__ = ["all_functions", "families", "function_named", "function_names"]


@cache
def _modules() -> dict[str, str]:
    """Function name → module."""
    folder = Path(__file__).parent / "functions"
    return {
        file.stem: f"{__package__}.functions.{file.parent.name}.{file.stem}"
        for file in sorted(folder.glob("*/*.py"))
        if not file.stem.startswith("_")
    }


def function_names() -> tuple[str, ...]:
    """Every name that a rule can call, sorted; a few functions have two."""
    return tuple(sorted(_modules()))


@cache
def function_named(name: str) -> Function:
    """The function of a name. Raises NotFound with the nearest names."""
    module = _modules().get(name)
    if module is None:
        raise NotFound(f"there is no function {name!r}", hint=suggestion(name, function_names(), "function"))
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, Function), name
    return found


def all_functions() -> tuple[Function, ...]:
    """Every function once, by family and name."""
    found = {id(function): function for function in map(function_named, function_names())}
    return tuple(sorted(found.values(), key=lambda function: (function.family, function.name)))


def families() -> tuple[str, ...]:
    """The folders, sorted."""
    return tuple(sorted({module.split(".")[-2] for module in _modules().values()}))
