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


def part_of(value: str, part: str) -> dict[str, str]:
    """What is known of the ``device``, the ``os`` or the ``user_agent``; the family is ``Other`` where nothing is."""
    from ua_parser import Domain

    result = _parser()(value, Domain[part.upper()])
    return _known(getattr(result, part))


def all_of(value: str) -> dict[str, dict[str, str]]:
    """All three."""
    result = _parser().parse(value)
    return {part: _known(getattr(result, part)) for part in ("device", "os", "user_agent")}


def _known(found: Any) -> dict[str, str]:
    if found is None:
        return {"family": "Other"}
    return {name: text for name in found.__slots__ if (text := getattr(found, name)) is not None}
