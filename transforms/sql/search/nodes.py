"""The parsed search: conditions joined by and, or and set difference. Spans count characters of the whole statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "And",
    "Bounds",
    "Compare",
    "Difference",
    "Everything",
    "Everywhere",
    "Field",
    "Node",
    "Operator",
    "Or",
    "Search",
    "Span",
    "Within",
    "Word",
]

Operator = Literal["=", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class Span:
    """Characters ``[start, end)``."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """From the beginning of this to the end of ``other``."""
        return Span(self.start, other.end)


@dataclass(frozen=True)
class Word:
    """What is looked for. In a plain word ``*`` and ``?`` are wildcards; quoted and phrase text is literal."""

    text: str
    kind: Literal["plain", "quoted", "phrase"]
    span: Span


@dataclass(frozen=True)
class Everything:
    """``*``: every log."""

    span: Span


@dataclass(frozen=True)
class Everywhere:
    """A bare word: looked for in all fields of the full-text index."""

    word: Word
    span: Span


@dataclass(frozen=True)
class Field:
    """``key:word``, or ``key:*`` (word None): the field is present."""

    key: Word
    word: Word | None
    span: Span


@dataclass(frozen=True)
class Compare:
    """``key > value``."""

    key: Word
    operator: Operator
    value: Word
    span: Span


@dataclass(frozen=True)
class Bounds:
    """One end of a range and whether it belongs to the range."""

    value: Word
    closed: bool


@dataclass(frozen=True)
class Within:
    """``key in [low high)``."""

    key: Word
    low: Bounds
    high: Bounds
    span: Span


@dataclass(frozen=True)
class And:
    """Logs that meet all parts."""

    parts: tuple[Node, ...]
    span: Span


@dataclass(frozen=True)
class Or:
    """Logs that meet any part."""

    parts: tuple[Node, ...]
    span: Span


@dataclass(frozen=True)
class Difference:
    """The logs of ``kept`` (None: all logs) without those of each ``removed``."""

    kept: Node | None
    removed: tuple[Node, ...]
    span: Span


Node = Everything | Everywhere | Field | Compare | Within | And | Or | Difference


@dataclass(frozen=True)
class Search:
    """A whole search part. ``root`` is Everything for an empty one; ``warnings`` are for the person who wrote it."""

    root: Node
    statement: str
    warnings: tuple[str, ...] = ()
