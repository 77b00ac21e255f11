"""The meaning of a search, written a second time and as plainly as possible: sets of tokens, one log at a time.

It shares no code with the compiler but the parser's tree and the index. Only for ASCII and a few letters whose case folds
one to one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from transforms.sql.search.nodes import (
    And,
    Compare,
    Difference,
    Everything,
    Everywhere,
    Field,
    Node,
    Or,
    Within,
    Word,
)
from transforms.stores.index import FieldIndex, FullTextIndex, Index

Log = Mapping[str, str]


def tokens(text: str, delimiters: str) -> list[str]:
    if not delimiters:
        return [text] if text else []
    out, token = [], ""
    for character in text + delimiters[0]:
        if character in delimiters:
            if token:
                out.append(token)
            token = ""
        else:
            token += character
    return out


def like(token: str, pattern: str, wild: bool, case_sensitive: bool) -> bool:
    if not case_sensitive:
        token, pattern = token.lower(), pattern.lower()
    if not wild:
        return token == pattern
    if not pattern:
        return not token
    if pattern[0] == "*":
        return any(like(token[skip:], pattern[1:], True, True) for skip in range(len(token) + 1))
    return bool(token) and pattern[0] in ("?", token[0]) and like(token[1:], pattern[1:], True, True)


def pieces(word: Word, delimiters: str) -> list[str]:
    wild = word.kind == "plain"
    cutting = "".join(character for character in delimiters if not (wild and character in "*?"))
    found = tokens(word.text, cutting)
    return [piece for piece in found if not (wild and set(piece) == {"*"})]


def holds(value: str, word: Word, delimiters: str, case_sensitive: bool) -> bool:
    wild = word.kind == "plain"
    have, want = tokens(value, delimiters), pieces(word, delimiters)
    if word.kind == "phrase":
        return any(
            len(have[start : start + len(want)]) == len(want)
            and all(like(*pair, False, case_sensitive) for pair in zip(have[start:], want, strict=False))
            for start in range(len(have) + 1)
        )
    return all(any(like(token, piece, wild, case_sensitive) for token in have) for piece in want)


def bare(log: Log, word: Word, index: Index) -> bool:
    line = index.full_text
    assert line is not None
    if word.kind == "phrase":
        return anywhere(log, word, index, line)
    return all(anywhere(log, Word(piece, word.kind, word.span), index, line) for piece in pieces(word, line.delimiters))


def anywhere(log: Log, word: Word, index: Index, line: FullTextIndex) -> bool:
    for name, value in log.items():
        own = index.fields.get(name)
        if name in line.exclude or (line.include and name not in line.include) or (own and line.exclude_indexed):
            continue
        if holds(name, word, line.delimiters, line.case_sensitive):
            return True
        delimiters, case_sensitive = line.delimiters, line.case_sensitive
        if own and own.type in ("text", "json"):
            delimiters, case_sensitive = own.delimiters, own.case_sensitive
        elif name.startswith("__"):
            delimiters, case_sensitive = "", False
        own_pieces = pieces(word, delimiters)
        startless = word.kind == "plain" and any(piece[0] in "*?" for piece in own_pieces)
        if own_pieces and not startless and holds(value, word, delimiters, case_sensitive):
            return True
    return False


def number(text: str | None, kind: str) -> float | int | None:
    if text is None or not text or set(text) - set("0123456789.-"):
        return None
    try:
        return int(text) if kind == "long" else float(text)
    except ValueError:
        return None


def value_of(log: Log, key: str, index: Index) -> tuple[str | None, FieldIndex]:
    if key in index.fields or key.startswith("__"):
        return log.get(key), index.fields.get(key, FieldIndex(delimiters=""))
    name, _, path = key.partition(".")
    leaf = index.fields[name].leaves[path]
    try:
        value = json.loads(log[name])
        for step in path.split("."):
            value = value[step]
    except (KeyError, ValueError, TypeError):
        return None, leaf
    return (value if isinstance(value, str) else json.dumps(value)), leaf


def compares(value: float | int | None, operator: str, other: float) -> bool:
    if value is None:
        return False
    return {"=": value == other, "<": value < other, "<=": value <= other, ">": value > other, ">=": value >= other}[operator]


def found(log: Log, node: Node, index: Index) -> bool:
    match node:
        case Everything():
            return True
        case Everywhere(word=word):
            return bare(log, word, index)
        case And(parts=parts):
            return all(found(log, part, index) for part in parts)
        case Or(parts=parts):
            return any(found(log, part, index) for part in parts)
        case Difference(kept=kept, removed=removed):
            return (kept is None or found(log, kept, index)) and not any(found(log, part, index) for part in removed)
        case Field(key=key, word=word):
            value, field = value_of(log, key.text, index)
            if word is None or value is None:
                return value is not None
            if not word.text and word.kind == "quoted":
                return value == ""
            if field.type in ("long", "double"):
                return compares(number(value, field.type), "=", float(word.text))
            return holds(value, word, field.delimiters, field.case_sensitive)
        case Compare(key=key, operator=operator, value=word):
            value, field = value_of(log, key.text, index)
            return compares(number(value, field.type), operator, float(word.text))
        case Within(key=key, low=low, high=high):
            value, field = value_of(log, key.text, index)
            it = number(value, field.type)
            return compares(it, ">=" if low.closed else ">", float(low.value.text)) and compares(
                it, "<=" if high.closed else "<", float(high.value.text)
            )
