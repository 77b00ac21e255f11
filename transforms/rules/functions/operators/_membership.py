"""Being in something: the one meaning of ``op_in`` and ``op_not_in``."""

from __future__ import annotations

from typing import Any

from transforms.rules.functions.operators._comparison import equal
from transforms.rules.values import kind_of

__all__ = ["contains"]


def contains(container: Any, element: Any) -> bool:
    """Whether a container has an element. Raises TypeError for what is no container, and for text searched for something else."""
    if isinstance(container, str):
        if not isinstance(element, str):
            raise TypeError(f"text contains text only, not {kind_of(element)}")
        return element in container
    if isinstance(container, list | tuple):
        return any(equal(item, element) for item in container)
    if isinstance(container, dict):
        return any(equal(key, element) for key in container)
    raise TypeError(f"text, a list or a dictionary is needed to look in, not {kind_of(container)}")
