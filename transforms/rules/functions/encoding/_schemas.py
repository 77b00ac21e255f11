"""Schemas of Protocol Buffers: sets of descriptors as protoc writes them, or the text of a .proto file, turned into one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any

from transforms.rules.byte_formats import from_base64
from transforms.rules.kinds import Kind
from transforms.rules.values import kind_of

__all__ = ["Schema", "descriptors"]

_LONGEST_TEXT = 200_000
_BEGINNING = re.compile(r"(?:\ufeff|\s)*+(?://|/\*|(?:syntax|edition|package|import|option|message|enum|extend|service)\b)")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def _schema(value: Any) -> bytes:
    if isinstance(value, str | bytes):
        return descriptors(value)
    raise TypeError(f"a set of descriptors or the text of a .proto file is needed, not {kind_of(value)}")


Schema = Annotated[bytes, Kind("a set of descriptors (bytes or Base64), or the text of a .proto file", _schema)]


@lru_cache(maxsize=8)
def descriptors(given: str | bytes) -> bytes:
    """A serialised FileDescriptorSet from one, from its Base64 text, or from the text of a .proto file. Raises ValueError."""
    if isinstance(given, bytes):
        try:
            text = given.decode("utf-8")
        except UnicodeDecodeError:
            return given
        # A set of descriptors begins with a line feed, and what follows may spell a word; but it is full of control characters.
        return _compiled(text) if _BEGINNING.match(text) and not _CONTROL.search(text) else given
    return _compiled(given) if _BEGINNING.match(given) else from_base64(given)


class _Unreadable:
    """Takes the first error of the parser, which would otherwise print it and guess on."""

    def syntaxError(self, _recognizer: Any, _symbol: Any, line: int, column: int, message: str, _cause: Any) -> None:  # noqa: N802
        shown = message.partition(" expecting ")[0][:120]
        raise ValueError(f"the text of the .proto file cannot be read: line {line}, column {column + 1}: {shown}")

    def _nothing(self, *_: Any) -> None:
        """Ambiguities are the grammar's affair."""

    reportAmbiguity = reportAttemptingFullContext = reportContextSensitivity = _nothing  # noqa: N815


def _strict(recognizer: Any) -> None:
    recognizer.removeErrorListeners()
    recognizer.addErrorListener(_Unreadable())


def _compiled(text: str) -> bytes:
    from google.protobuf import descriptor_pb2
    from proto_schema_parser import ast
    from proto_schema_parser.parser import Parser

    if len(text) > _LONGEST_TEXT:
        raise ValueError(
            f"the text of a .proto file may have {_LONGEST_TEXT:,} characters; protoc makes a set of descriptors of longer ones"
        )
    try:
        tree = Parser(setup_lexer=_strict, setup_parser=_strict).parse(text)
    except RecursionError:
        raise ValueError("the text of the .proto file is nested too deeply") from None
    found = descriptor_pb2.FileDescriptorSet()
    file = found.file.add(name="schema.proto", syntax=tree.syntax or "proto2")
    if tree.edition:
        file.syntax = "editions"
        try:
            file.edition = descriptor_pb2.Edition.Value(f"EDITION_{tree.edition}")
        except ValueError:
            raise ValueError(f"edition {tree.edition[:20]} is not known here") from None
    for element in tree.file_elements:
        if isinstance(element, ast.Package):
            file.package = element.name
        elif isinstance(element, ast.Import):
            if not element.name.startswith("google/protobuf/"):
                raise ValueError(f"{element.name[:80]} is imported: protoc makes a set of descriptors with --include_imports")
            file.dependency.append(element.name)
        elif isinstance(element, ast.Message):
            _message(file.message_type.add(), element, file.syntax)
        elif isinstance(element, ast.Enum):
            _enum(file.enum_type.add(), element)
    made: bytes = found.SerializeToString(deterministic=True)
    return made


def _message(target: Any, message: Any, syntax: str) -> None:
    from proto_schema_parser import ast

    target.name = message.name
    alone: list[Any] = []
    for element in message.elements:
        if isinstance(element, ast.OneOf):
            place = len(target.oneof_decl)
            target.oneof_decl.add(name=element.name)
            for member in _added(target, element.elements, syntax):
                member.oneof_index = place
        elif isinstance(element, ast.Message):
            _message(target.nested_type.add(), element, syntax)
        elif isinstance(element, ast.Enum):
            _enum(target.enum_type.add(), element)
        else:
            added = list(_added(target, [element], syntax))
            if added and syntax == "proto3" and getattr(element, "cardinality", None) == ast.FieldCardinality.OPTIONAL:
                alone += added
    for field in alone:  # a field that is "optional" in proto3 is a oneof of its own; those come after the real ones
        field.proto3_optional = True
        field.oneof_index = len(target.oneof_decl)
        target.oneof_decl.add(name=f"_{field.name}")


def _added(target: Any, elements: Iterable[Any], syntax: str) -> Iterable[Any]:
    """The fields that elements of a message add to it; comments, options and reserved numbers add none."""
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto
    from proto_schema_parser import ast

    for element in elements:
        if not isinstance(element, ast.Field | ast.MapField | ast.Group):
            continue
        field = target.field.add(name=element.name, number=int(element.number), label=FieldDescriptorProto.LABEL_OPTIONAL)
        cardinality = getattr(element, "cardinality", None)
        if cardinality is not None:
            field.label = FieldDescriptorProto.Label.Value(f"LABEL_{cardinality.name}")
        if isinstance(element, ast.Field):
            _typed(field, element.type)
        elif isinstance(element, ast.Group):
            _message(target.nested_type.add(), ast.Message(element.name, element.elements), syntax)
            field.name, field.type, field.type_name = element.name.lower(), FieldDescriptorProto.TYPE_GROUP, element.name
        else:
            entry = target.nested_type.add(name="".join(part.capitalize() for part in element.name.split("_")) + "Entry")
            entry.options.map_entry = True
            for name, number, type_name in (("key", 1, element.key_type), ("value", 2, element.value_type)):
                _typed(entry.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL), type_name)
            field.label, field.type, field.type_name = FieldDescriptorProto.LABEL_REPEATED, FieldDescriptorProto.TYPE_MESSAGE, entry.name
        yield field


_SCALARS = frozenset(
    [
        "double",
        "float",
        "int32",
        "int64",
        "uint32",
        "uint64",
        "sint32",
        "sint64",
        "fixed32",
        "fixed64",
        "sfixed32",
        "sfixed64",
        "bool",
        "string",
        "bytes",
    ]
)


def _typed(field: Any, name: str) -> None:
    if name in _SCALARS:
        field.type = type(field).Type.Value(f"TYPE_{name.upper()}")
    else:
        field.type_name = name  # whether it is a message or an enum, and where it stands, is found when the set is loaded


def _enum(target: Any, enum: Any) -> None:
    from proto_schema_parser import ast

    target.name = enum.name
    for element in enum.elements:
        if isinstance(element, ast.EnumValue):
            target.value.add(name=element.name, number=int(element.number))
    if len({value.number for value in target.value}) < len(target.value):
        target.options.allow_alias = True
