"""How large a result may become, so that no rule and no log eats up the memory."""

from __future__ import annotations

__all__ = ["MOST_CHARACTERS", "MOST_ELEMENTS", "check_elements", "check_text"]

MOST_CHARACTERS = 10_000_000
"""Longest text that an operator makes."""
MOST_ELEMENTS = 1_000_000
"""Longest list or tuple that an operator makes (bytes count as a list)."""


def check_text(characters: int) -> None:
    """Raises ValueError if a text would become too long."""
    if characters > MOST_CHARACTERS:
        raise ValueError(f"the result would have {characters:,} characters; {MOST_CHARACTERS:,} are the most")


def check_elements(elements: int) -> None:
    """Raises ValueError if a list, a tuple or bytes would become too long."""
    if elements > MOST_ELEMENTS:
        raise ValueError(f"the result would have {elements:,} elements; {MOST_ELEMENTS:,} are the most")
