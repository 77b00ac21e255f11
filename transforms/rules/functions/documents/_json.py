"""JSON text as rules take it: what is a list or a dictionary already is taken as it is."""

from __future__ import annotations

import json
from typing import Any

from transforms.rules.values import as_text

__all__ = ["NotJson", "document"]


class NotJson(ValueError):
    """A value that is no JSON text."""


def document(value: Any) -> Any:
    """The JSON value of a text; lists, dictionaries, numbers and Booleans stay as they are. Raises NotJson."""
    if isinstance(value, list | dict | bool | int | float):
        return value
    if isinstance(value, tuple):
        return list(value)
    if value is None:
        raise NotJson("None is not JSON text: the field is missing")
    try:
        return json.loads(as_text(value))
    except RecursionError:
        raise NotJson("the JSON text is nested too deeply") from None
    except ValueError as error:
        raise NotJson(f"not JSON text: {error}") from None
