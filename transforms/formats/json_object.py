"""One JSON object as a log, exactly: the meaning that the column parser must equal.

Field values are text as the sender wrote it: strings unescaped; numbers keep their literal text (``1.50``, ``-0``, ``1e3``, any
length); ``true`` and ``false``; nested objects and arrays as the JSON text they were; ``null`` means that the log does not have
the field. When a name occurs twice, its last value holds. Raw control characters inside strings are taken as they are.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

__all__ = ["LITERAL", "NotALog", "parse_object", "unescape"]

LITERAL = r"null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_BLANK = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(LITERAL)


class NotALog(Exception):
    """The text is no log. ``reason`` is a stable word, the message says where."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def parse_object(text: str) -> dict[str, str]:
    """The fields of a JSON object. Raises NotALog with reason ``not-json``, ``not-an-object`` or ``not-unicode``."""
    stripped = text.strip(" \t\r\n")
    try:
        value = _DECODER.decode(stripped)
    except json.JSONDecodeError as error:
        raise NotALog("not-json", f"{error.msg} at character {error.pos + 1}") from error
    except ValueError as error:
        raise NotALog("not-json", str(error)) from error
    except RecursionError as error:
        raise NotALog("not-json", "nested too deeply") from error
    if not isinstance(value, dict):
        raise NotALog("not-an-object", f"a log is a JSON object, this is {_kind(value)}")
    if any(type(item) in (dict, list) for item in value.values()):
        fields = _with_nested_text(stripped)
    else:
        fields = {name: _text(item) for name, item in value.items() if item is not None}
    if "\\u" in text:
        for name, item in fields.items():
            _refuse_half_character(name)
            _refuse_half_character(item)
    return fields


def unescape(text: str) -> str | None:
    """The inside of a JSON string with its escapes resolved; None when an escape is wrong or leaves half a character."""
    try:
        value, end = scanstring(text + '"', 0, False)
        value.encode()
    except ValueError:
        return None
    return str(value) if end == len(text) + 1 else None


def _with_nested_text(text: str) -> dict[str, str]:
    """The fields of a valid JSON object, nested values as the text they were."""
    fields: dict[str, str | None] = {}
    i = _skip(text, 1)
    while text[i] == '"':
        name, i = scanstring(text, i + 1, False)
        i = _skip(text, _skip(text, i) + 1)
        if text[i] == '"':
            fields[name], i = scanstring(text, i + 1, False)
        elif text[i] in "{[":
            end = _DECODER.raw_decode(text, i)[1]
            fields[name], i = text[i:end], end
        else:
            literal = _LITERAL.match(text, i)
            assert literal is not None, "the decoder took a value that is none"
            fields[name], i = (None if literal[0] == "null" else literal[0]), literal.end()
        i = _skip(text, i)
        if text[i] == "}":
            break
        i = _skip(text, i + 1)
    return {name: item for name, item in fields.items() if item is not None}


def _skip(text: str, i: int) -> int:
    match = _BLANK.match(text, i)
    return match.end() if match else i


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "true" if value else "false"


def _refuse_half_character(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotALog("not-unicode", "an escape such as \\ud800 without its second half") from error


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "an array"
    return "true or false" if isinstance(value, bool) else "a string or a number"
