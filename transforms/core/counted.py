"""Numbers with their noun, as people read them: ``1 log``, ``2,000 logs``."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """The number with separators and the noun, in the plural (``s``) unless it is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
