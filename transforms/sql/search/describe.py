"""The parsed search as text again, with the parentheses that show how it was understood."""

from __future__ import annotations

import re

from transforms.sql.search.nodes import (
    And,
    Compare,
    Difference,
    Everything,
    Everywhere,
    Field,
    Node,
    Or,
    Search,
    Within,
    Word,
)

__all__ = ["describe"]

_NUMBER = re.compile(r"[\w.+-]+")


def describe(search: Search) -> str:
    """One line that parses to the same tree: every ``and``, ``or`` and ``not`` spelled out, groups in parentheses."""
    return _node(search.root)


def _node(node: Node) -> str:
    match node:
        case Everything():
            return "*"
        case Everywhere(word=word):
            return _word(word)
        case Field(key=key, word=word):
            return f"{_word(key)}:{'*' if word is None else _word(word)}"
        case Compare(key=key, operator=operator, value=value):
            return f"{_word(key)} {operator} {_word(value)}"
        case Within(key=key, low=low, high=high):
            opening, closing = "[" if low.closed else "(", "]" if high.closed else ")"
            return f"{_word(key)} in {opening}{_number(low.value)} {_number(high.value)}{closing}"
        case And(parts=parts):
            return " and ".join(_inner(part) for part in parts)
        case Or(parts=parts):
            return " or ".join(_inner(part) for part in parts)
        case Difference(kept=kept, removed=removed):
            first = [] if kept is None else [_inner(kept)]
            return " ".join([*first, *(f"not {_inner(part)}" for part in removed)])


def _inner(node: Node) -> str:
    return f"({_node(node)})" if isinstance(node, And | Or | Difference) else _node(node)


def _word(word: Word) -> str:
    escaped = word.text.replace("\\", "\\\\").replace('"', '\\"')
    if word.kind == "plain":
        return escaped
    return f'#"{escaped}"' if word.kind == "phrase" else f'"{escaped}"'


def _number(word: Word) -> str:
    return word.text if _NUMBER.fullmatch(word.text) else _word(word)
