"""User agents by the rules of the uap-core project, which come with a package; matched in linear time by Rust's engine."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["all_of", "part_of"]


@cache
def _parser() -> Any:
    from ua_parser import Cache, CachingResolver, Parser, load_lazy_builtins
    from ua_parser.regex import Resolver

    return Parser(CachingResolver(Resolver(load_lazy_builtins()), Cache(2000)))


_NAMES = {
    "device": ("family", "brand", "model"),
    "os": ("family", "major", "minor", "patch", "patch_minor"),
    "user_agent": ("family", "major", "minor", "patch"),
}


def part_of(value: str, part: str) -> dict[str, str]:
    """What is known of the ``device``, the ``os`` or the ``user_agent``; the family is ``Other`` where nothing is."""
    from ua_parser import Domain

    return _known(_parser()(value, Domain[part.upper()]), part)


def all_of(value: str) -> dict[str, dict[str, str]]:
    """All three."""
    result = _parser().parse(value)
    return {part: _known(result, part) for part in _NAMES}


def _known(result: Any, part: str) -> dict[str, str]:
    found = getattr(result, part)
    if found is None:
        return {"family": "Other"}
    return {name: text for name in _NAMES[part] if (text := getattr(found, name)) is not None}
