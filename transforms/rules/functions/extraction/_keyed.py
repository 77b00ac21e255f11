"""The expressions behind ``e_kv`` and ``e_kv_delimit``."""

from __future__ import annotations

from functools import lru_cache

from transforms.rules.pattern import Pattern

__all__ = ["BARE", "KEY", "delimited_pattern", "quoted_pattern"]

KEY = r"\u0800-\u9fa5\w.\-"
"""What keys are made of, as inside of […]."""

BARE = KEY + "%~"
"""What values without quotes are made of."""


@lru_cache(maxsize=1024)
def quoted_pattern(sep: str, quote: str, escape: bool) -> Pattern:
    """Groups: key, quoted value, bare value. A key is not looked for inside of a word, where it was tried already."""
    escaped = rf"\u{ord(quote):04x}" if ord(quote) < 0x10000 else quote
    inside = rf"((?:[^{escaped}\\]|\\.)+)" if escape else f"([^{escaped}]*)"
    start = "" if quote.isalnum() or quote in "_.-" else f"(?<![{KEY}])"
    return Pattern.of(rf"(?s){start}([{KEY}]+)\s*(?:{sep})\s*(?:{escaped}{inside}{escaped}|([{BARE}]+))")


@lru_cache(maxsize=1024)
def delimited_pattern(sep: str) -> Pattern:
    """Groups: key and value of one pair, cut at the last separator that leaves a value."""
    return Pattern.of(f"(?s)(.+)(?:{sep})(.+)")
