"""The ``jmespath`` library with bounds: how many steps an expression takes and how much it makes."""

from __future__ import annotations

from typing import Any

from jmespath.functions import Functions, signature
from jmespath.visitor import TreeInterpreter

__all__ = ["BoundedInterpreter", "check"]

MOST_STEPS = 1_000_000
"""Nodes that one search may visit."""
MOST_VALUES = 1_000_000
"""Values in what a search finds, in a flattened list, in what is turned to text."""
MOST_CHARACTERS = 10_000_000
"""Characters of a text that is made."""


class _Functions(Functions):
    """The library's functions; those that can make more than they are given look first how much it is."""

    @signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_string(self, value: Any) -> Any:
        _limit_size(value)
        return super()._func_to_string(value)

    @signature({"types": ["string"]}, {"types": ["array-string"]})  # type: ignore[untyped-decorator]
    def _func_join(self, separator: str, parts: list[str]) -> Any:
        if sum(map(len, parts)) + len(separator) * len(parts) > MOST_CHARACTERS:
            raise ValueError(f"join() would give more than {MOST_CHARACTERS:,} characters")
        return super()._func_join(separator, parts)


_FUNCTIONS = _Functions()


class BoundedInterpreter(TreeInterpreter):
    """Evaluates one search; make a new one for each, since it counts steps."""

    def __init__(self) -> None:
        super().__init__()
        self._functions = _FUNCTIONS
        self._steps = 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._steps:
            self._steps = 1
            found = super().visit(node, *args, **kwargs)
            if isinstance(found, list | dict) and _may_repeat(node):
                _limit_size(found)
            return found
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise ValueError(f"the JMESPath takes more than {MOST_STEPS:,} steps")
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        if sum(len(element) if isinstance(element, list) else 1 for element in base) > MOST_VALUES:
            raise ValueError(f"the JMESPath flattens more than {MOST_VALUES:,} values into one list")
        return super().visit_flatten({"children": [{"type": "literal", "value": base}]}, value)


def check(node: Any) -> None:
    """Raises ValueError for functions that do not exist or get a wrong number of arguments, and for a slice with step 0."""
    kind = node["type"]
    if kind == "slice":
        if node["children"][2] == 0:
            raise ValueError("the step of a slice cannot be 0")
        return
    if kind == "function_expression":
        name, given = node["value"], len(node["children"])
        entry = _FUNCTIONS.FUNCTION_TABLE.get(name)
        if entry is None:
            raise ValueError(f"there is no function {name}()")
        wanted = len(entry["signature"])
        variadic = bool(entry["signature"]) and entry["signature"][-1].get("variadic", False)
        if given < wanted or (given > wanted and not variadic):
            raise ValueError(f"{name}() takes {'at least ' if variadic else ''}{wanted} arguments, not {given}")
    for child in node["children"]:
        check(child)


def _may_repeat(node: Any) -> bool:
    """Whether an expression can put a value into its result twice."""
    if node["type"] == "slice":
        return False
    return node["type"].startswith("multi_select") or any(map(_may_repeat, node["children"]))


def _limit_size(value: Any) -> None:
    """Raises ValueError if a value holds too many values or too much text, each counted as often as it stands in it."""
    values = characters = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        values += 1
        if isinstance(item, str):
            characters += len(item)
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            characters += sum(map(len, item))
            waiting.extend(item.values())
        if values + len(waiting) > MOST_VALUES or characters > MOST_CHARACTERS:
            raise ValueError(f"the JMESPath makes more than {MOST_VALUES:,} values or {MOST_CHARACTERS:,} characters")
