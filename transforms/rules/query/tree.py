"""A query as a tree: what `transforms.rules.query.parse` makes and the two ways of testing walk.

Leaves test the text of one field, or of any field where ``field`` is None. Text with wildcards is a `Wildcards`: the pieces between
its ``*``, each a run of characters in which None stands for any one character.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from transforms.rules.pattern import Pattern

__all__ = ["And", "Comparison", "Contains", "Equals", "Found", "Node", "Not", "Or", "Range", "Test", "Wildcards"]

Piece = tuple[str | None, ...]


class Wildcards(NamedTuple):
    """Text in which ``*`` stands for any run of characters and ``?`` for one.

    Attributes:
        pieces: what is between the ``*``; there is always one piece, which may be empty.
    """

    pieces: tuple[Piece, ...]

    @property
    def literal(self) -> str | None:
        """The text itself where it has no wildcards, else None."""
        return _joined(self.pieces[0]) if len(self.pieces) == 1 else None

    @property
    def inner(self) -> Wildcards:
        """Without ``*`` at the ends, which mean nothing where a part of a value is looked for."""
        pieces = list(self.pieces)
        while len(pieces) > 1 and not pieces[0]:
            pieces.pop(0)
        while len(pieces) > 1 and not pieces[-1]:
            pieces.pop()
        return Wildcards(tuple(pieces))


def _joined(piece: Piece) -> str | None:
    return None if None in piece else "".join(part or "" for part in piece)


class Contains(NamedTuple):
    """The value has the text somewhere."""

    text: Wildcards


class Equals(NamedTuple):
    """The whole value is the text."""

    text: Wildcards


class Found(NamedTuple):
    """The regular expression matches somewhere in the value."""

    pattern: Pattern


class Comparison(NamedTuple):
    """The value is a number, and compares so: ``sign`` is one of ``= > >= < <=``."""

    sign: str
    number: Decimal


class Range(NamedTuple):
    """The value is a number between two numbers, both included; None is an open end."""

    low: Decimal | None
    high: Decimal | None


Predicate = Contains | Equals | Found | Comparison | Range


class Test(NamedTuple):
    """A predicate on one field; ``field`` None: on the values of all fields, one of which is enough."""

    field: str | None
    predicate: Predicate


class Not(NamedTuple):
    """The other way round."""

    part: Node


class And(NamedTuple):
    """All parts hold."""

    parts: tuple[Node, ...]


class Or(NamedTuple):
    """Some part holds."""

    parts: tuple[Node, ...]


Node = Test | Not | And | Or
