"""Signatures such as ``lpad(varchar, bigint, varchar) -> varchar``: read once, then matched with the types of a call.

A single capital letter stands for any type (the same one everywhere it occurs); ``numeric`` for bigint, decimal or double;
``T...`` for one or more; ``(T, U) -> R`` for a lambda.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from transforms.sql.types_model import BIGINT, UNKNOWN, Type, common_type, widens

__all__ = ["LAMBDA", "Bindings", "Signature", "parse_signature"]

LAMBDA = "function"
_WORDS = re.compile(r"\s*(->|\.\.\.|[A-Za-z_][A-Za-z_0-9]*|[(),])")


@dataclass(frozen=True)
class Signature:
    """One way to call a function."""

    name: str
    params: tuple[Type, ...]
    result: Type
    variadic: bool = False

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(_show, self.params))}{'...' if self.variadic else ''})"

    def accepts_count(self, count: int) -> bool:
        return count >= len(self.params) if self.variadic else count == len(self.params)

    def param(self, place: int) -> Type:
        """The parameter that takes argument ``place``."""
        return self.params[min(place, len(self.params) - 1)]


def _show(param: Type) -> str:
    if param.name != LAMBDA:
        return str(param)
    *takes, gives = param.args
    return f"({', '.join(map(str, takes))}) -> {gives}"


@dataclass
class Bindings:
    """What the capital letters of a signature stand for in one call."""

    types: dict[str, Type] = field(default_factory=dict)
    cost: int = 0

    def accept(self, param: Type, given: Type) -> bool:
        """Whether ``given`` may be passed for ``param``; remembers what letters it settles."""
        if _is_letter(param):
            known = self.types.get(param.name)
            if known is None:
                self.types[param.name] = given
                return True
            common = common_type(known, given)
            if common is None:
                return False
            self.cost += common != known or common != given
            self.types[param.name] = common
            return True
        if given.name == "unknown":
            self.cost += 1
            return True
        if param.name == "numeric":
            return given.numeric
        if param.args and param.name == given.name and len(param.args) == len(given.args):
            return all(self.accept(p, g) for p, g in zip(param.args, given.args, strict=True))
        if param.name == given.name:
            return True
        if widens(given, param):
            self.cost += 1
            return True
        return False

    def fill(self, wanted: Type) -> Type:
        """``wanted`` with the letters replaced."""
        if _is_letter(wanted):
            return self.types.get(wanted.name, UNKNOWN)
        if wanted.name == "numeric":
            return self.types.get("numeric", BIGINT)
        return Type(wanted.name, tuple(map(self.fill, wanted.args)), wanted.names, wanted.zone) if wanted.args else wanted


def _is_letter(param: Type) -> bool:
    return len(param.name) == 1 and param.name.isupper()


@lru_cache(maxsize=2048)
def parse_signature(text: str) -> Signature:
    """Read ``name(params) -> result``."""
    words = _WORDS.findall(text)
    name, at = words[0], 2
    params: list[Type] = []
    variadic = False
    while words[at] != ")":
        if words[at] == ",":
            at += 1
        elif words[at] == "...":
            variadic, at = True, at + 1
        else:
            param, at = _param(words, at)
            params.append(param)
    result, _ = _param(words, at + 2)
    return Signature(name, tuple(params), result, variadic)


def _param(words: list[str], at: int) -> tuple[Type, int]:
    if words[at] == "(":
        takes, at = _list(words, at)
        gives, at = _param(words, at + 1)
        return Type(LAMBDA, (*takes, gives)), at
    name, at = words[at], at + 1
    if at < len(words) and words[at] == "(":
        args, at = _list(words, at)
        return Type(name, args, ("",) * len(args) if name == "row" else ()), at
    return Type(name), at


def _list(words: list[str], at: int) -> tuple[tuple[Type, ...], int]:
    out: list[Type] = []
    at += 1
    while words[at] != ")":
        if words[at] == ",":
            at += 1
            continue
        item, at = _param(words, at)
        out.append(item)
    return tuple(out), at + 1
