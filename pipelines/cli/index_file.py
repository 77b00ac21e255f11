"""Reading the index of a Logstore from a JSON file, with errors that point into the file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transforms.core.errors import Location, ParameterInvalid

if TYPE_CHECKING:
    from transforms.stores.index import Index

__all__ = ["read_index"]

_QUOTED = re.compile(r"'([^']+)'")
_EXAMPLE = 'for example {"line": {}, "keys": {"status": {"type": "long"}}}'


def read_index(file: str) -> Index:
    """The index that a JSON file describes. Raises ParameterInvalid with the place in the file where it can be told."""
    from transforms.stores.index import Index

    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ParameterInvalid(f"the index file {file} does not exist", hint="check the path after --index") from None
    except UnicodeDecodeError as error:
        raise ParameterInvalid(f"the index file {file} is not UTF-8: byte {error.start}") from None
    except OSError as error:
        raise ParameterInvalid(f"the index file {file} cannot be read: {error.strerror}") from None
    try:
        value = json.loads(text, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        start = min(error.pos, max(len(text) - 1, 0))
        raise ParameterInvalid(
            f"the index file is no JSON: {error.msg}", location=Location(text, start, start + 1, file), hint=_EXAMPLE
        ) from None
    except _Repeated as repeated:
        raise ParameterInvalid(
            f"the index file has the key {repeated.key!r} twice in one object", location=_place(text, repeated.key, file, last=True)
        ) from None
    except RecursionError:
        raise ParameterInvalid("the index file nests too deep to be an index", hint=_EXAMPLE) from None
    try:
        return Index.from_json(value)
    except ParameterInvalid as error:
        raise ParameterInvalid(error.message, hint=error.hint or _EXAMPLE, location=_named(text, error.message, file)) from None


class _Repeated(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON lets the last of two equal keys win in silence, and half of an index would be lost.
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise _Repeated(key)
        seen[key] = value
    return seen


def _named(text: str, message: str, file: str) -> Location | None:
    """The place of the last thing the message names that stands in the file: messages go from the outside in."""
    for name in reversed(_QUOTED.findall(message)):
        place = _place(text, name, file, last=False) or _place(text, name.rpartition(".")[2], file, last=False)
        if place is not None:
            return place
    return None


def _place(text: str, name: str, file: str, *, last: bool) -> Location | None:
    quoted = json.dumps(name, ensure_ascii=False)
    start = text.rfind(quoted) if last else text.find(quoted)
    return None if start < 0 else Location(text, start, start + len(quoted), file)
