"""Which names may come out of a text as field names."""

from __future__ import annotations

import re

__all__ = ["is_field_name"]

_FIELD_NAME = re.compile(r"_*[\u0800-\u9fa5a-zA-Z][\u0800-\u9fa5\w.\-]*")


def is_field_name(name: str) -> bool:
    """Whether a name found in a text may become a field: a letter first (underlines may stand before it), then letters, digits, ``_ . -``."""
    return _FIELD_NAME.fullmatch(name) is not None
