"""An ExternalStore's configuration as JSON, the way the log service writes it, to a descriptor and back.

{"externalStoreName": "chiji_user", "storeType": "rds-vpc",
 "parameter": {"host": "10.0.0.1", "port": "3306", "username": "…", "password": "env:NAME", "db": "chiji", "table": "chiji_user"}}
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from transforms.core.errors import Location, ParameterInvalid
from transforms.core.secret import MASK, Secret, is_reference
from transforms.core.suggest import suggestion
from transforms.stores.external_store import ExternalStoreDescriptor

__all__ = ["STORE_TYPES", "ExternalStoreConfig", "config_json", "parse_config", "with_parameter"]

_LARGEST_CSV = 50 * 10**6
_SHAPE = 'the whole is one object: {"externalStoreName": "…", "storeType": "rds-vpc", "parameter": {…}}'
_DATABASE = ("region", "vpc-id", "instance-id", "host", "port", "username", "password", "db", "table", "timezone")


@dataclass(frozen=True)
class _Kind:
    """What may and must be in ``parameter``; ``secret`` is the key whose value is handed out by reference only."""

    keys: tuple[str, ...]
    required: tuple[str, ...]
    secret: str | None = None
    one_of: tuple[str, ...] = ()


_KINDS = {
    "rds-vpc": _Kind(_DATABASE, ("db", "table"), "password"),
    "postgresql": _Kind((*_DATABASE, "schema"), ("db", "table"), "password"),
    "sqlite": _Kind(("db", "table"), ("db", "table")),
    "csv": _Kind(("columns", "objects", "externalStoreCsv", "externalStoreCsvSize", "path"), (), None, ("path", "externalStoreCsv")),
    "oss": _Kind(("endpoint", "bucket", "accessid", "accesskey", "objects", "columns"), ("endpoint", "objects", "columns"), "accesskey"),
}
STORE_TYPES = tuple(_KINDS)
_MEANT = {"database": "db", "user": "username", "passwd": "password", "pwd": "password", "hostname": "host", "tz": "timezone"}
_ALIASES = {"intance-id": "instance-id", "vpc_id": "vpc-id", "instance_id": "instance-id"}
_WORDS = {
    "externalStoreName",
    "storeType",
    "parameter",
    "name",
    "type",
    *_KINDS,
    *_ALIASES,
    *(key for kind in _KINDS.values() for key in kind.keys),
}
_RUN = re.compile(r"""[^\s{}\[\]:,"'=]+""")


@dataclass(frozen=True)
class ExternalStoreConfig:
    """A parsed configuration.

    Attributes:
        descriptor: without the secret; its ``password`` is set when the configuration gives a reference.
        secret: the text of a password or key that was written out, to be put in a safe place; None when there is none.
        csv: the bytes of an uploaded CSV file, unpacked; None when there is none.
    """

    descriptor: ExternalStoreDescriptor
    secret: str | None = field(default=None, repr=False)
    csv: bytes | None = field(default=None, repr=False)


def parse_config(text: str, source: str = "--config") -> ExternalStoreConfig:
    """Read a configuration. Raises ParameterInvalid that shows the place; secrets on the shown line are masked."""
    where = _Places(text, source)
    document = _load(text, where)
    for key in document:
        _known(key, ("externalStoreName", "storeType", "parameter"), where)
    name, kind_name, parameter = (document.get(key) for key in ("externalStoreName", "storeType", "parameter"))
    if not isinstance(name, str) or not name:
        raise ParameterInvalid("externalStoreName must be a text that is not empty", hint=_SHAPE, location=where.of("externalStoreName"))
    if not isinstance(kind_name, str) or kind_name not in _KINDS:
        raise ParameterInvalid(
            "storeType is missing" if kind_name is None else f"unknown storeType {kind_name!r}",
            hint=suggestion(str(kind_name), STORE_TYPES, "storeType"),
            location=where.of("storeType"),
        )
    if not isinstance(parameter, dict):
        raise ParameterInvalid("parameter must be an object", hint=_SHAPE, location=where.of("parameter"))
    return _parse_parameter(name, kind_name, parameter, where)


def _parse_parameter(name: str, kind_name: str, given: dict[str, Any], where: _Places) -> ExternalStoreConfig:
    kind = _KINDS[kind_name]
    parameter: dict[str, str] = {}
    for given_key, value in given.items():
        key = _ALIASES.get(given_key, given_key)
        _known(key, kind.keys, where)
        if key in parameter:
            raise ParameterInvalid(f"the parameter {key} is given twice", location=where.of(given_key))
        parameter[key] = _text_of(key, value, where)
    for key in kind.required:
        if not parameter.get(key):
            raise ParameterInvalid(
                f"a store of type {kind_name} needs the parameter {key}", location=where.of(key) or where.of("parameter")
            )
    if kind.one_of and sum(1 for key in kind.one_of if parameter.get(key)) != 1:
        raise ParameterInvalid(
            f"a store of type {kind_name} needs either the parameter {' or '.join(kind.one_of)}", location=where.of("parameter")
        )
    port = parameter.get("port")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ParameterInvalid(f"port must be a number from 1 to 65535, not {port!r}", location=where.of("port"))
    secret_text = parameter.pop(kind.secret, "") if kind.secret else ""
    if secret_text == MASK:
        raise ParameterInvalid(
            f"{kind.secret} is masked, as `get` shows it",
            hint="give the real one, or a reference env:NAME or file:PATH",
            location=where.of(kind.secret or ""),
        )
    reference = secret_text if is_reference(secret_text) else ""
    csv = _unpack(parameter, where) if parameter.get("externalStoreCsv") else None
    descriptor = ExternalStoreDescriptor(name, kind_name, parameter, Secret(reference))
    return ExternalStoreConfig(descriptor, None if reference or not secret_text else secret_text, csv)


def _text_of(key: str, value: Any, where: _Places) -> str:
    """Every parameter is kept as text; lists are kept as JSON."""
    if key == "columns":
        return _columns(value, where)
    if key == "objects":
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not names or not all(isinstance(item, str) and item for item in names):
            raise ParameterInvalid("objects must be a list of names", location=where.of(key))
        return json.dumps(names, ensure_ascii=False)
    if key == "externalStoreCsvSize" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        shown = f': write "{value}"' if key in {"port", "externalStoreCsvSize"} and isinstance(value, int) else ""
        raise ParameterInvalid(f"the parameter {key} must be a text{shown}", location=where.of(key))
    return value


def _columns(value: Any, where: _Places) -> str:
    if not isinstance(value, list) or not value:
        raise ParameterInvalid('columns must be a list such as [{"name": "uid", "type": "bigint"}]', location=where.of("columns"))
    seen: set[str] = set()
    for column in value:
        if (
            not isinstance(column, dict)
            or set(column) != {"name", "type"}
            or not all(isinstance(part, str) and part for part in column.values())
        ):
            raise ParameterInvalid('each column needs a name and a type: {"name": "uid", "type": "bigint"}', location=where.of("columns"))
        if column["name"].casefold() in seen:
            raise ParameterInvalid(f"the column {column['name']!r} is given twice", location=where.of("columns"))
        seen.add(column["name"].casefold())
    return json.dumps(value, ensure_ascii=False)


def _unpack(parameter: dict[str, str], where: _Places) -> bytes:
    """The uploaded file: base64 of zlib or gzip. Never more than the service takes, whatever the packed bytes claim."""
    packed = parameter.pop("externalStoreCsv")
    size = parameter.pop("externalStoreCsvSize", "")
    place = where.of("externalStoreCsv")
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        content = unpacker.decompress(base64.b64decode(packed, validate=True), _LARGEST_CSV + 1)
    except (binascii.Error, zlib.error) as error:
        raise ParameterInvalid(f"externalStoreCsv is not base64 of a zlib or gzip file: {error}", location=place) from None
    if len(content) > _LARGEST_CSV:
        raise ParameterInvalid("the CSV file is larger than 50 MB", hint="name a file with the parameter path instead", location=place)
    if not unpacker.eof:
        raise ParameterInvalid("externalStoreCsv ends too early", hint="encode the whole compressed file", location=place)
    if size and size != str(len(content)):
        raise ParameterInvalid(
            f"externalStoreCsvSize is {size}, the file has {len(content)} bytes", location=where.of("externalStoreCsvSize")
        )
    return content


def config_json(descriptor: ExternalStoreDescriptor, *, show_reference: bool = True) -> dict[str, Any]:
    """The configuration as `get` answers it. A database's password is left out unless it is a reference to be shown; a key is masked."""
    kind = _KINDS.get(descriptor.kind)
    parameter: dict[str, Any] = {}
    keys = (*kind.keys, *(key for key in descriptor.parameter if key not in kind.keys)) if kind else tuple(descriptor.parameter)
    for key in keys:
        if kind is not None and key == kind.secret:
            if descriptor.password.reference and show_reference:
                parameter[key] = descriptor.password.reference
            elif key == "accesskey":
                parameter[key] = MASK
        elif key in descriptor.parameter:
            value = descriptor.parameter[key]
            parameter[key] = json.loads(value) if key in {"columns", "objects"} else value
    return {"externalStoreName": descriptor.name, "storeType": descriptor.kind, "parameter": parameter}


def _load(text: str, where: _Places) -> dict[str, Any]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                raise ParameterInvalid(f"the key {key!r} is given twice", location=where.of(key))
            found[key] = value
        return found

    try:
        document = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise ParameterInvalid(f"the configuration is not JSON: {error.msg}", hint=_SHAPE, location=where.at(error.pos)) from None
    except RecursionError:
        raise ParameterInvalid("the configuration is nested too deeply", hint=_SHAPE) from None
    if not isinstance(document, dict):
        raise ParameterInvalid("the configuration is not a JSON object", hint=_SHAPE, location=where.at(0))
    return document


def _known(key: str, keys: tuple[str, ...], where: _Places) -> None:
    if key not in keys:
        meant = _MEANT.get(key.casefold())
        hint = f"did you mean {meant!r}?" if meant in keys else suggestion(key, keys, "key")
        raise ParameterInvalid(f"unknown key {key!r}", hint=hint, location=where.of(key))


class _Places:
    """Finds places in the text. All that is shown of it are the words of this format: a broken text hides where its secrets begin."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._source = source

    def of(self, key: str) -> Location | None:
        """The key where it is written, None when it is not."""
        quoted = json.dumps(key, ensure_ascii=False)
        found = re.search(re.escape(quoted) + r"(?=\s*:)", self._text)
        if found is None:
            return None
        shown = _masked(self._text[: found.start()]) + quoted + _masked(self._text[found.end() :])
        return Location(shown, found.start(), found.end(), self._source)

    def at(self, position: int) -> Location:
        """One character."""
        position = min(position, len(self._text))
        return Location(_masked(self._text), position, position + 1, self._source)


def _masked(text: str) -> str:
    return _RUN.sub(lambda run: run[0] if run[0] in _WORDS else "*" * len(run[0]), text)


def with_parameter(
    descriptor: ExternalStoreDescriptor, password: Secret | None = None, more: Mapping[str, str] | None = None
) -> ExternalStoreDescriptor:
    """The descriptor with other parameters, or with the password elsewhere."""
    parameter: Mapping[str, str] = {**descriptor.parameter, **(more or {})}
    return ExternalStoreDescriptor(descriptor.name, descriptor.kind, parameter, password or descriptor.password)
