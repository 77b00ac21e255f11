"""Lists and mappings that a configuration may hold as such, as JSON in a text, or written with commas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from transforms.schedule.config_fields import Fields

__all__ = ["read_labels", "read_names"]


def read_names(parameters: Fields, key: str) -> tuple[str, ...]:
    """A list, a JSON array as text, or a comma list."""
    value = _unpacked(parameters, key)
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    if value is None or value == [""]:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        parameters.refuse(key, f"{parameters.called(key)} is a list of names", 'write ["pv", "uv"] or pv, uv')
        return ()
    if len(set(value)) < len(value):
        parameters.refuse(key, f"{parameters.called(key)} names a column twice", "leave out the second")
    return tuple(value)


def read_labels(parameters: Fields) -> dict[str, str]:
    """A mapping, or a JSON object as text, or a list of either."""
    value = _unpacked(parameters, "addLabels")
    found: dict[str, str] = {}
    for part in [] if value in (None, "") else value if isinstance(value, list) else [value]:
        if not isinstance(part, Mapping) or not all(isinstance(text, str | int | float) for text in part.values()):
            parameters.refuse("addLabels", f"{parameters.called('addLabels')} maps labels to values", 'write {"app": "shop"}')
            return {}
        found.update({str(label): str(text) for label, text in part.items()})
    for label, text in found.items():
        if "|" in text:
            parameters.refuse("addLabels", f"the value of the label {label!r} has a | in it", "a label's value has none")
    return found


def _unpacked(parameters: Fields, key: str) -> Any:
    value = parameters.raw(key)
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            parameters.refuse(
                key, f"{parameters.called(key)} is no JSON: {error.msg}", "write JSON, or a list or mapping of the file itself"
            )
            return None
    return list(value) if isinstance(value, tuple) else value
