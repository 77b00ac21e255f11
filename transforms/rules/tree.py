"""A rule as a tree: what `transforms.rules.parse` reads out of the text. Every node knows its span of characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Call", "Constant", "Dictionary", "JobConstant", "Listing", "Node", "Rule"]


@dataclass(frozen=True)
class Node:
    """A piece of a rule: characters ``[start, end)`` of its text."""

    start: int
    end: int


@dataclass(frozen=True)
class Constant(Node):
    """A literal, or one of the language's own names such as ``true`` or ``F_META``."""

    value: Any


@dataclass(frozen=True)
class JobConstant(Node):
    """``C_JOB_NAME`` and its siblings: known when a job runs."""

    name: str


@dataclass(frozen=True)
class Listing(Node):
    """A list (``[…]``) or a tuple (``(…)``) of expressions."""

    items: tuple[Node, ...]
    is_tuple: bool


@dataclass(frozen=True)
class Dictionary(Node):
    """``{key: value, …}``."""

    items: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True)
class Call(Node):
    """A function and what it is called with. ``written`` is how the rule spells it: a name, or an operator such as ``==``."""

    name: str
    arguments: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...]
    written: str


@dataclass(frozen=True)
class Rule:
    """The steps of a rule in order, its text (line ends as ``\\n``) and what the text is called."""

    text: str
    source: str
    steps: tuple[Call, ...]
