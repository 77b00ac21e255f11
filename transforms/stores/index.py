"""The index of a Logstore: which fields can be searched and used in SQL, and as what type.

The JSON form is the log service's::

    {"line": {"token": [",", " "], "caseSensitive": false, "chn": false},
     "keys": {"status": {"type": "long", "doc_value": true},
              "url":    {"type": "text", "token": ["/"], "caseSensitive": false, "alias": "address"},
              "info":   {"type": "json", "json_keys": {"param.name": {"type": "text"}}}}}

No index at all (`None` where an index is expected) is lenient: every field is text, searchable and usable in SQL. An index
that lists nothing makes nothing usable. Unlike in the service, an index holds for all logs at once, older ones too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from transforms.core.errors import ParameterInvalid
from transforms.core.suggest import suggestion

__all__ = ["DEFAULT_DELIMITERS", "DOUBLE_TEXT", "LONG_DIGITS", "LONG_TEXT", "FieldIndex", "FieldType", "FullTextIndex", "Index", "SqlType"]

FieldType = Literal["text", "long", "double", "json"]
SqlType = Literal["varchar", "bigint", "double"]

DEFAULT_DELIMITERS = ", '\";=()[]{}?@&<>/:\n\t\r"

LONG_DIGITS = 19
LONG_TEXT = rf"^[+-]?[0-9]{{1,{LONG_DIGITS}}}$"
"""Texts that are a long, if they also fit 64 bits. All else is NULL in SQL. Both writers and queries go by it."""
DOUBLE_TEXT = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
"""Texts that are a double. All else is NULL in SQL."""

_FIELD_KEYS = {"type", "token", "caseSensitive", "chn", "alias", "doc_value", "json_keys", "index_all", "max_depth"}
_LINE_KEYS = {"token", "caseSensitive", "chn", "include_keys", "exclude_keys"}


@dataclass(frozen=True)
class FullTextIndex:
    """Bare words find logs whose fields hold them."""

    delimiters: str = DEFAULT_DELIMITERS
    case_sensitive: bool = False
    chn: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_indexed: bool = False
    """When true, bare words do not look into fields that have an index of their own."""


@dataclass(frozen=True)
class FieldIndex:
    """How one field (or one leaf of a JSON field) is indexed."""

    type: FieldType = "text"
    delimiters: str = DEFAULT_DELIMITERS
    case_sensitive: bool = False
    chn: bool = False
    alias: str = ""
    analysable: bool = True
    """May be used in SQL (``doc_value``)."""
    leaves: Mapping[str, FieldIndex] = field(default_factory=dict)
    """Of a JSON field: path ``a.b`` → index of that leaf."""

    @property
    def sql_type(self) -> SqlType:
        """The type of the column in SQL."""
        types: dict[FieldType, SqlType] = {"text": "varchar", "long": "bigint", "double": "double", "json": "varchar"}
        return types[self.type]


@dataclass(frozen=True)
class Index:
    """Full-text index and field indexes."""

    full_text: FullTextIndex | None = None
    fields: Mapping[str, FieldIndex] = field(default_factory=dict)

    def typed_fields(self) -> dict[str, Literal["long", "double"]]:
        """Fields whose values are also stored as numbers."""
        return {name: index.type for name, index in self.fields.items() if index.type in ("long", "double")}

    def flat(self) -> Iterator[tuple[str, FieldIndex]]:
        """Every indexed field and, as ``field.leaf``, every JSON leaf."""
        for name, index in self.fields.items():
            yield name, index
            for path, leaf in index.leaves.items():
                yield f"{name}.{path}", leaf

    def to_json(self) -> dict[str, Any]:
        """The service's JSON form."""
        out: dict[str, Any] = {"keys": {name: _field_to_json(index) for name, index in self.fields.items()}}
        if self.full_text is not None:
            line = self.full_text
            out["line"] = {"token": list(line.delimiters), "caseSensitive": line.case_sensitive, "chn": line.chn}
            if line.include:
                out["line"]["include_keys"] = list(line.include)
            if line.exclude:
                out["line"]["exclude_keys"] = list(line.exclude)
        return out

    @staticmethod
    def from_json(value: Any) -> Index:
        """From the service's JSON form. Raises ParameterInvalid that names the key that is wrong."""
        if not isinstance(value, dict):
            raise ParameterInvalid("an index must be a JSON object with 'line' and/or 'keys'")
        _refuse_unknown(value, {"line", "keys", "ttl", "max_text_len", "log_reduce"}, "index")
        line = value.get("line")
        full_text = None
        if line is not None:
            if not isinstance(line, dict):
                raise ParameterInvalid("index: 'line' must be an object", hint='{"line": {}} indexes all text with defaults')
            _refuse_unknown(line, _LINE_KEYS, "index line")
            full_text = FullTextIndex(
                _delimiters(line, "line"), _flag(line, "caseSensitive", False, "line"), _flag(line, "chn", False, "line"),
                _key_list(line, "include_keys"), _key_list(line, "exclude_keys"),
            )  # fmt: skip
        keys = value.get("keys", {})
        if not isinstance(keys, dict):
            raise ParameterInvalid("index: 'keys' must be an object of field → settings")
        fields = {name: _field_from_json(name, settings) for name, settings in keys.items()}
        folded: dict[str, str] = {}
        for name in fields:
            other = folded.setdefault(name.casefold(), name)
            if other != name:
                raise ParameterInvalid(f"index: the keys {other!r} and {name!r} differ only in letter case")
        return Index(full_text, fields)


def _field_to_json(index: FieldIndex) -> dict[str, Any]:
    out: dict[str, Any] = {"type": index.type, "doc_value": index.analysable}
    if index.type in ("text", "json"):
        out |= {"token": list(index.delimiters), "caseSensitive": index.case_sensitive, "chn": index.chn}
    if index.alias:
        out["alias"] = index.alias
    if index.type == "json":
        out["json_keys"] = {path: _field_to_json(leaf) for path, leaf in index.leaves.items()}
    return out


def _field_from_json(name: str, settings: Any, *, leaf: bool = False) -> FieldIndex:
    if isinstance(settings, str):
        settings = {"type": settings}
    if not isinstance(settings, dict):
        raise ParameterInvalid(f"index: the settings of {name!r} must be an object or a type name")
    _refuse_unknown(settings, _FIELD_KEYS, f"index key {name!r}")
    kind = settings.get("type", "text")
    if kind not in get_args(FieldType) or (leaf and kind == "json"):
        raise ParameterInvalid(f"index: {name!r} has the unknown type {kind!r}", hint=suggestion(str(kind), get_args(FieldType), "type"))
    if not re.match(r"[^\x00]", name):
        raise ParameterInvalid("index: a key needs a name")
    json_keys = settings.get("json_keys", {})
    if not isinstance(json_keys, dict):
        raise ParameterInvalid(f"index: 'json_keys' of {name!r} must be an object of path → settings")
    leaves = {path: _field_from_json(f"{name}.{path}", leaf_settings, leaf=True) for path, leaf_settings in json_keys.items()}
    alias = settings.get("alias", "")
    if not isinstance(alias, str):
        raise ParameterInvalid(f"index: 'alias' of {name!r} must be a text")
    if leaves and kind != "json":
        raise ParameterInvalid(f"index: {name!r} has json_keys but its type is {kind!r}", hint="set its type to json")
    return FieldIndex(
        kind, _delimiters(settings, name), _flag(settings, "caseSensitive", False, name), _flag(settings, "chn", False, name),
        alias, _flag(settings, "doc_value", True, name), leaves,
    )  # fmt: skip


def _delimiters(settings: Mapping[str, Any], name: str) -> str:
    tokens = settings.get("token")
    if tokens is None:
        return DEFAULT_DELIMITERS
    if not isinstance(tokens, list) or not all(isinstance(token, str) and len(token) == 1 for token in tokens):
        raise ParameterInvalid(f"index: 'token' of {name!r} must be a list of single characters")
    return "".join(tokens)


def _flag(settings: Mapping[str, Any], key: str, default: bool, name: str) -> bool:
    value = settings.get(key, default)
    if not isinstance(value, bool):
        raise ParameterInvalid(f"index: {key!r} of {name!r} must be true or false")
    return value


def _key_list(line: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = line.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ParameterInvalid(f"index: {key!r} of 'line' must be a list of field names")
    return tuple(names)


def _refuse_unknown(value: Mapping[str, Any], known: set[str], what: str) -> None:
    for key in value:
        if key not in known:
            raise ParameterInvalid(f"{what}: unknown setting {key!r}", hint=suggestion(key, known, "setting"))
