"""Regular expressions of rules, written anew for Rust's engine, which Polars runs over whole columns.

The promise: on values of ASCII characters without a line feed the translation finds the same matches and the same groups as the
``regex`` module does. It is kept by taking in only what both engines do alike; for all else the answer is None:

* look-around, references to groups, recursion, conditions, atomic groups that could change a match, possessive quantifiers, fuzzy
  matching, repeated group names, ``\\h``, ``\\p``, ``\\B`` and other escapes that only one engine has;
* quantifiers over what may be empty (the engines differ in when such a loop ends);
* repetitions whose parts can be cut in many ways, such as ``(a+)+``: Python's engine may run out of its time on them, Rust's would
  not, and whether an event fails must not depend on how it is evaluated.

Every character is written as the set of ASCII characters that it stands for (letter case included): ``\\w``, ``\\s`` and ``.`` then
mean the same in any engine, and Rust's automata stay small.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["never_empty", "sure_group", "translate"]

_ASCII: Final = frozenset(range(128))
_DIGITS: Final = frozenset(b"0123456789")
_WORD: Final = frozenset(code for code in range(128) if chr(code).isalnum()) | {ord("_")}
_BLANKS: Final = frozenset(b" \t\n\r\f\v")
_CLASSES: Final = {
    "d": _DIGITS, "D": _ASCII - _DIGITS, "w": _WORD, "W": _ASCII - _WORD, "s": _BLANKS, "S": _ASCII - _BLANKS,
}  # fmt: skip
_CONTROLS: Final = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "a": 7}
_ANCHORS: Final = {"b": r"(?-u:\b)", "A": r"\A", "Z": r"\z"}
_NUMBER: Final = re.compile(r"\{(\d*)(,?)(\d*)\}")
_NAME: Final = re.compile(r"\(\?P?<([A-Za-z_]\w*)>")
_FLAGS: Final = re.compile(r"\(\?([aimsu]*)(?:-([ims]+))?([:)])")
_PLAIN: Final = frozenset(" \"=/:,;<>@%_'!")
_DEEPEST = 100


class _Differs(Exception):
    """The engines may differ, or Rust's does not have it."""


@dataclass(frozen=True)
class _Set:
    codes: frozenset[int]


@dataclass(frozen=True)
class _Anchor:
    text: str


@dataclass(frozen=True)
class _Cat:
    parts: tuple[_Node, ...]


@dataclass(frozen=True)
class _Alt:
    branches: tuple[_Node, ...]


@dataclass(frozen=True)
class _Group:
    inner: _Node


@dataclass(frozen=True)
class _Repeat:
    inner: _Node
    least: int
    most: int | None
    lazy: bool


_Node = _Set | _Anchor | _Cat | _Alt | _Group | _Repeat


def translate(text: str) -> str | None:
    """The expression for Rust's engine, groups numbered as in ``text``; None where a match could come out differently."""
    try:
        written = _written(_Parser(text).whole())
    except (_Differs, RecursionError):
        return None
    return written if _compiles(written) else None


def never_empty(text: str) -> bool:
    """Whether an expression that can be translated never matches the empty text."""
    try:
        return not _may_be_empty(_Parser(text).whole())
    except (_Differs, RecursionError):
        return False


def sure_group(text: str) -> int | None:
    """The number of a group that takes part in every match of an expression that can be translated; None if none is sure to."""
    try:
        return _sure_group(_Parser(text).whole(), 1)
    except (_Differs, RecursionError):
        return None


def _sure_group(node: _Node, number: int) -> int | None:
    """``number`` is what the first group inside would have."""
    match node:
        case _Group():
            return number
        case _Cat(parts):
            for part in parts:
                found = _sure_group(part, number)
                if found is not None:
                    return found
                number += _groups(part)
        case _Repeat(inner, least, _, _):
            return _sure_group(inner, number) if least else None
    return None


def _groups(node: _Node) -> int:
    match node:
        case _Group(inner):
            return 1 + _groups(inner)
        case _Cat(parts) | _Alt(parts):
            return sum(map(_groups, parts))
        case _Repeat(inner):
            return _groups(inner)
    return 0


def _compiles(pattern: str) -> bool:
    import polars as pl

    try:
        pl.Series("", [""], pl.String).str.contains(pattern)
    except pl.exceptions.ComputeError:  # larger than the engine allows
        return False
    return True


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._names: set[str] = set()
        self._folded = False
        self._depth = 0

    def whole(self) -> _Node:
        found = _FLAGS.match(self._text)
        if found and found[3] == ")":
            self._set_flags(found)
        node = self._alternatives()
        if self._at < len(self._text):
            raise _Differs
        return node

    def _set_flags(self, found: re.Match[str]) -> None:
        if "i" in found[1]:
            self._folded = True
        if "i" in (found[2] or ""):
            self._folded = False
        self._at = found.end()

    def _alternatives(self) -> _Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Differs
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        self._depth -= 1
        return branches[0] if len(branches) == 1 else _Alt(tuple(branches))

    def _sequence(self) -> _Node:
        parts: list[_Node] = []
        while self._peek() not in ("", "|", ")"):
            node = self._atom()
            if node is not None:
                parts.append(self._quantified(node))
        return parts[0] if len(parts) == 1 else _Cat(tuple(parts))

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _atom(self) -> _Node | None:
        character = self._text[self._at]
        if character == "(":
            return self._group()
        if character == "[":
            return self._class()
        self._at += 1
        if character == "\\":
            return self._escape()
        if character == ".":
            return _Set(_ASCII - {10})
        if character == "^":
            return _Anchor(r"\A")
        if character == "$":
            return _Anchor(r"\z")
        if character in "*+?":
            raise _Differs
        if character == "{" and re.match(r"[\w,<>=]", self._peek() or "x"):  # a quantifier or a fuzzy match, if anything
            raise _Differs
        return self._literal(ord(character))

    def _literal(self, code: int) -> _Set:
        return _Set(self._folding(frozenset({code}) if code < 128 else frozenset(), ascii_only=code < 128))

    def _folding(self, codes: frozenset[int], *, ascii_only: bool) -> frozenset[int]:
        """With letters in both cases where case is ignored."""
        if not self._folded:
            return codes
        if not ascii_only:
            raise _Differs
        return codes | {ord(chr(code).swapcase()) for code in codes}

    def _escape(self) -> _Node:
        character = self._peek()
        self._at += 1
        if character in _ANCHORS and character:
            return _Anchor(_ANCHORS[character])
        if character in _CLASSES and character:
            return _Set(_CLASSES[character])
        return self._literal(self._escaped_code(character))

    def _escaped_code(self, character: str) -> int:
        if character in _CONTROLS and character:
            return _CONTROLS[character]
        length = {"x": 2, "u": 4}.get(character)
        if length is not None:
            digits = self._text[self._at : self._at + length]
            if not re.fullmatch(f"[0-9A-Fa-f]{{{length}}}", digits):
                raise _Differs
            self._at += length
            return int(digits, 16)
        if not character or character.isalnum() or ord(character) >= 128:
            raise _Differs
        return ord(character)

    def _class(self) -> _Set:
        self._at += 1
        negated = self._peek() == "^"
        self._at += negated
        codes: set[int] = set()
        ascii_only = True
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._member()
            if isinstance(low, frozenset):
                codes |= low
                continue
            high = low
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                bound = self._member()
                if isinstance(bound, frozenset):
                    raise _Differs
                high = bound
            codes.update(range(low, min(high, 127) + 1))
            ascii_only = ascii_only and high < 128
        self._at += 1
        folded = self._folding(frozenset(codes), ascii_only=ascii_only)
        return _Set(_ASCII - folded if negated else folded)

    def _member(self) -> int | frozenset[int]:
        character = self._peek()
        if not character:
            raise _Differs
        self._at += 1
        if character == "[" and self._peek() in (":", "=", "."):  # [:alpha:]
            raise _Differs
        if character != "\\":
            return ord(character)
        escaped = self._peek()
        self._at += 1
        if escaped in _CLASSES and escaped:
            return _CLASSES[escaped]
        return 8 if escaped == "b" else self._escaped_code(escaped)

    def _group(self) -> _Node | None:
        text, at = self._text, self._at
        if text.startswith("(?#", at):
            end = text.find(")", at)
            if end < 0:
                raise _Differs
            self._at = end + 1
            if self._peek() in ("*", "+", "?", "{"):
                raise _Differs
            return None
        folded = self._folded
        atomic = capturing = False
        named = _NAME.match(text, at)
        flags = _FLAGS.match(text, at)
        if named:
            if named[1] in self._names or not named[1].isascii():
                raise _Differs
            self._names.add(named[1])
            capturing = True
            self._at = named.end()
        elif flags and flags[3] == ":":
            self._set_flags(flags)
        elif text.startswith("(?>", at):
            atomic = True
            self._at += 3
        elif text.startswith("(?", at) or text.startswith("(*", at):
            raise _Differs
        else:
            capturing = True
            self._at += 1
        inner = self._alternatives()
        if self._peek() != ")":
            raise _Differs
        self._at += 1
        self._folded = folded
        if atomic and not _one_way(inner):
            raise _Differs
        return _Group(inner) if capturing else inner

    def _quantified(self, node: _Node) -> _Node:
        character = self._peek()
        if character == "{":
            found = _NUMBER.match(self._text, self._at)
            if found is None or not (found[1] or found[3]):
                following = self._text[self._at + 1 : self._at + 2]
                if re.match(r"[\w,<>=}]", following or "x"):
                    raise _Differs
                return node
            least = int(found[1] or 0)
            most = (int(found[3]) if found[3] else None) if found[2] else least
            self._at = found.end()
        elif character and character in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
            self._at += 1
        else:
            return node
        lazy = self._peek() == "?"
        self._at += lazy
        if (self._peek() or " ") in "+*?" or _NUMBER.match(self._text, self._at):
            raise _Differs  # possessive, or an error
        if isinstance(node, _Anchor) or _may_be_empty(node) or (most is not None and (most < max(least, 1) or most > 1000)):
            raise _Differs
        if (most is None or most > 2) and not _cut_one_way(node, _first(node)):
            raise _Differs
        return _Repeat(node, least, most, lazy)


def _may_be_empty(node: _Node) -> bool:
    match node:
        case _Set():
            return False
        case _Anchor():
            return True
        case _Cat(parts):
            return all(map(_may_be_empty, parts))
        case _Alt(branches):
            return any(map(_may_be_empty, branches))
        case _Group(inner):
            return _may_be_empty(inner)
        case _Repeat(inner, least, _, _):
            return least == 0 or _may_be_empty(inner)


def _one_way(node: _Node) -> bool:
    """Whether there is only one way to match it at a place, so that an atomic group changes nothing."""
    match node:
        case _Cat(parts):
            return all(map(_one_way, parts))
        case _Alt():
            return False
        case _Group(inner):
            return _one_way(inner)
        case _Repeat(inner, least, most, _):
            return least == most and _one_way(inner)
    return True


def _cut_one_way(node: _Node, following: frozenset[int]) -> bool:
    """Whether the next character always tells how a match goes on, when what ``following`` holds may come after it.

    Repetitions of such a thing can be cut apart in one way only, so that a search which fails does not try exponentially many.
    """
    match node:
        case _Cat(parts):
            for part in reversed(parts):
                if not _cut_one_way(part, following):
                    return False
                following = _first(part) | following if _may_be_empty(part) else _first(part)
        case _Group(inner):
            return _cut_one_way(inner, following)
        case _Repeat(inner, least, most, _):
            first = _first(inner)
            if least != most and first & following:
                return False
            return _cut_one_way(inner, following if most == 1 else first | following)
        case _Alt(branches):
            seen: frozenset[int] = frozenset()
            for branch in branches:
                first = _first(branch) | (following if _may_be_empty(branch) else frozenset())
                if first & seen or not _cut_one_way(branch, following):
                    return False
                seen |= first
    return True


def _first(node: _Node) -> frozenset[int]:
    """Characters that a match may begin with."""
    match node:
        case _Set(codes):
            return codes
        case _Anchor():
            return frozenset()
        case _Cat(parts):
            found: frozenset[int] = frozenset()
            for part in parts:
                found |= _first(part)
                if not _may_be_empty(part):
                    break
            return found
        case _Alt(branches):
            return frozenset().union(*map(_first, branches))
        case _Group(inner) | _Repeat(inner):
            return _first(inner)


def _written(node: _Node) -> str:
    match node:
        case _Set(codes):
            return _set(codes)
        case _Anchor(text):
            return text
        case _Cat(parts):
            return "".join(f"(?:{_written(part)})" if isinstance(part, _Alt) else _written(part) for part in parts)
        case _Alt(branches):
            return "|".join(map(_written, branches))
        case _Group(inner):
            return f"({_written(inner)})"
        case _Repeat(inner, least, most, lazy):
            body = _written(inner)
            body = body if isinstance(inner, _Set | _Group) else f"(?:{body})"
            times = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
            if times is None:
                times = f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
            return body + times + ("?" if lazy else "")


def _set(codes: frozenset[int]) -> str:
    if not codes:
        return r"\x{10ffff}"  # no ASCII character: never found where this engine is asked
    if len(codes) == 1:
        return _character(next(iter(codes)))
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[" + "".join(_character(low) if low == high else f"{_character(low)}-{_character(high)}" for low, high in ranges) + "]"


def _character(code: int) -> str:
    character = chr(code)
    if character.isalnum() or character in _PLAIN:
        return character
    return f"\\{character}" if 32 < code < 127 else f"\\x{{{code:02x}}}"
