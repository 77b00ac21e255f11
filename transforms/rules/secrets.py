"""A rule's text as people may see it: passwords and keys that are written into it are starred out, character by character.

It is done on the text and not on the tree, so that it also holds for rules that cannot be parsed. Places stay what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from transforms.core.errors import Location
from transforms.core.secret import is_reference

__all__ = ["place", "shown"]

_SECRET_NAMES = frozenset({"password", "ak_id", "ak_key", "ak_secret"})
_SECRET_PLACES = {"res_rds_mysql": (2,), "res_oss_file": (1, 2), "res_log_logstore_pull": (1, 2)}
_STRING = r"""[rRuUbB]{0,2}(?:\"{3}(?:\\.|[^\\])*?(?:\"{3}|\Z)|'{3}(?:\\.|[^\\])*?(?:'{3}|\Z)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)"""
_TOKEN = re.compile(rf"\#[^\n]*|(?P<string>{_STRING})|(?P<name>[^\W\d]\w*)|(?P<blank>\s+)|(?P<mark>.)", re.DOTALL)
_CONTENT = re.compile(r"(?P<before>[rRuUbB]{0,2}(?:\"{3}|'{3}|\"|'))(?P<content>.*?)(?P<after>\"{3}|'{3}|\"|'|)", re.DOTALL)


def place(text: str, start: int, end: int, source: str) -> Location:
    """A place in a rule's text for people."""
    return Location(shown(text), start, end, source)


@dataclass
class _Open:
    """An open bracket: of which call, which argument is being read, and whether it stands inside a secret argument."""

    function: str
    inside: bool
    argument: int = 0
    keyword: str = ""

    @property
    def secret(self) -> bool:
        if self.inside or self.keyword in _SECRET_NAMES:
            return True
        return not self.keyword and self.argument in _SECRET_PLACES.get(self.function, ())


@lru_cache(maxsize=16)
def shown(text: str) -> str:
    """The text, of the same length, with stars for literal passwords and keys; references such as ``env:NAME`` stay."""
    parts: list[str] = []
    stack = [_Open("", inside=False)]
    name = ""
    for token in _TOKEN.finditer(text):
        written = token.group()
        if token["string"] and stack[-1].secret:
            written = _starred(written)
        parts.append(written)
        mark = token["mark"]
        if mark and mark in "([{":
            # The key of a job's parameter is no secret, its value is.
            stack.append(_Open(name, inside=stack[-1].secret and name != "res_local"))
        elif mark and mark in ")]}" and len(stack) > 1:
            stack.pop()
        elif mark == ",":
            stack[-1].argument += 1
            stack[-1].keyword = ""
        elif mark == "=":
            stack[-1].keyword = name
        if not token["blank"]:
            name = token["name"] or ""
    return "".join(parts)


def _starred(literal: str) -> str:
    found = _CONTENT.fullmatch(literal)
    if found is None or is_reference(found["content"]):
        return literal
    return found["before"] + re.sub(r"[^\n]", "*", found["content"]) + found["after"]
