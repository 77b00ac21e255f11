"""Grok: regular expressions put together from named definitions.

The definitions are data (``grok_patterns/*.txt``): the core set of Logstash, and a few of our own. A name is replaced by the bare text
of its definition, with no parentheses around it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from transforms.core.suggest import suggestion

__all__ = ["definitions", "expand"]

_USE = re.compile(r"%\{([^{}:]*)(?::([^{}:]*))?(?::[a-z]*)?\}")
_FIELD = re.compile(r"[^\W\d]\w*")
_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")
_LARGEST = 1_000_000
_DEEPEST = 50


@lru_cache(maxsize=1)
def definitions() -> Mapping[str, str]:
    """Every built-in definition by its name. Where a name is defined twice in a file, the last one holds."""
    found: dict[str, str] = {}
    for file in sorted(files("transforms.rules").joinpath("grok_patterns").iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".txt"):
            continue
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            if text and not name.startswith("#"):
                found[name] = text
    return found


def expand(pattern: str, *, escape: bool = False, extend: Mapping[str, str] | None = None) -> str:
    """The regular expression of a grok pattern.

    ``escape`` takes the text outside of ``%{…}`` literally; ``extend`` has definitions that come before the built-in ones.
    Raises ValueError for unknown names, names that use themselves, field names that cannot name a group, and enormous results.
    """
    known = {**definitions(), **extend} if extend else definitions()
    if escape:
        pieces: list[str] = []
        end = 0
        for use in _USE.finditer(pattern):
            pieces += [_SPECIAL.sub(r"\\\g<0>", pattern[end : use.start()]), use[0]]
            end = use.end()
        pattern = "".join([*pieces, _SPECIAL.sub(r"\\\g<0>", pattern[end:])])
    return _expanded(pattern, known, ())


def _expanded(text: str, known: Mapping[str, str], within: tuple[str, ...]) -> str:
    if len(within) > _DEEPEST:
        raise ValueError(f"grok definitions are nested more than {_DEEPEST} deep: {' in '.join(reversed(within[-3:]))} …")
    pieces: list[str] = []
    size = end = 0
    for use in _USE.finditer(text):
        name, field = use[1], use[2]
        if name in within:
            raise ValueError(f"grok definition {name} uses itself")
        if name not in known:
            hint = suggestion(name, known, "definition")
            raise ValueError(f"no grok definition is called {name!r}" + (f"; {hint}" if hint and "mean" in hint else ""))
        if field is not None and not _FIELD.fullmatch(field):
            raise ValueError(f"a grok field name is made of letters, digits and _, and does not begin with a digit: {field!r}")
        inner = _expanded(known[name], known, (*within, name))
        piece = inner if field is None else f"(?P<{field}>{inner})"
        pieces += [text[end : use.start()], piece]
        size += len(piece)
        end = use.end()
        if size > _LARGEST:
            raise ValueError(f"the grok pattern grows beyond {_LARGEST:,} characters")
    return "".join([*pieces, text[end:]])
