"""Kinds of arguments that only extractions take."""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.jmes import JmesPath
from transforms.rules.kinds import Kind
from transforms.rules.pattern import Pattern
from transforms.rules.values import as_integer, as_text, kind_of

__all__ = ["DEPTH", "OPTIONAL_JMES", "FieldsInfo", "GrouplessRegex", "OneCharacter", "Renames", "SeparatorSet"]


def _fields_info(value: Any) -> Any:
    """Text, a tuple of text, or a dictionary of text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return tuple(as_text(item) for item in value)
    if isinstance(value, dict):
        return {as_text(name): as_text(template) for name, template in value.items()}
    raise TypeError(f"a field name, a list of field names, or a dictionary is needed, not {kind_of(value)}")


def _renames(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"a dictionary of names and new names is needed, not {kind_of(value)}")
    return {as_text(name): as_text(new) for name, new in value.items()}


def _one_character(value: Any) -> str:
    text = as_text(value)
    if len(text) != 1 or text in "\r\n":
        raise ValueError(f"one character is needed (no line end), not {text[:20]!r}")
    return text


def _groupless(value: Any) -> Pattern:
    pattern = Pattern.of(as_text(value))
    if pattern.groups:
        raise ValueError(f"no groups are allowed in {pattern.text!r}; write (?:…) for plain parentheses")
    if pattern.whole("") is not None:
        raise ValueError(f"{pattern.text!r} also matches the empty text and cannot separate anything")
    return pattern


def _separator_set(value: Any) -> Pattern:
    text = as_text(value)
    if not text:
        raise ValueError("at least one character is needed")
    return Pattern.of(f"[{text}]+")


def _depth(value: Any) -> int:
    number = as_integer(value)
    if not 1 <= number <= 2000:
        raise ValueError(f"a depth is from 1 to 2000, not {number}")
    return number


def _optional_jmes(value: Any) -> JmesPath | None:
    text = as_text(value)
    return JmesPath.of(text) if text else None


DEPTH = Kind("an integer from 1 to 2000", _depth)
OPTIONAL_JMES = Kind("a JMESPath", _optional_jmes)
FieldsInfo = Annotated[Any, Kind("a field name, a list of field names, or a dictionary of name and value templates", _fields_info)]
Renames = Annotated[dict[str, str], Kind("a dictionary of names and new names", _renames)]
OneCharacter = Annotated[str, Kind("one character", _one_character)]
GrouplessRegex = Annotated[Pattern, Kind("a regular expression without groups", _groupless)]
SeparatorSet = Annotated[Pattern, Kind("a set of characters, as inside of […] in a regular expression", _separator_set)]
