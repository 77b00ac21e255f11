"""How much text one call of a function may make: what a rule's author or a log writes must not eat the memory of a worker."""

from __future__ import annotations

__all__ = ["MOST_CHARACTERS", "within_limit"]

MOST_CHARACTERS = 10_000_000
"""Characters of text, or bytes, that a function may give as one value."""


def within_limit(size: int) -> None:
    """Raises ValueError if a result of ``size`` characters or bytes is too large; asked before the result is made."""
    if size > MOST_CHARACTERS:
        shown = f"{size:,}" if size < 10**18 else "very many"
        raise ValueError(f"the result would have {shown} characters; {MOST_CHARACTERS:,} is the most that one value may have")
