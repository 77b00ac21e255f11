"""Protocol Buffers messages by descriptors that are data, not generated code."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["decoded"]

_WELL_KNOWN = ("any", "source_context", "type", "api", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers")


def decoded(data: bytes, descriptors: bytes, message: str) -> dict[str, Any]:
    """The fields of a serialised message. ``descriptors`` is a serialised FileDescriptorSet. Raises ValueError."""
    from google.protobuf.json_format import MessageToDict
    from google.protobuf.message import DecodeError, Error

    pool, message_class = _message_class(descriptors, message)
    found = message_class()
    try:
        found.ParseFromString(data)
    except (DecodeError, RuntimeWarning) as error:
        raise ValueError(f"the bytes are no message {message}: {error}") from None
    try:
        fields: dict[str, Any] = MessageToDict(found, preserving_proto_field_name=True, descriptor_pool=pool)
    except (Error, TypeError, RecursionError) as error:
        raise ValueError(f"the message {message} cannot be shown: {error}") from None
    return fields


@lru_cache(maxsize=32)
def _message_class(descriptors: bytes, message: str) -> tuple[Any, Any]:
    from google.protobuf import message_factory

    pool = _pool(descriptors)
    try:
        descriptor = pool.FindMessageTypeByName(message.lstrip("."))
    except (KeyError, TypeError):  # TypeError: a file of the set cannot be built
        raise ValueError(f"the descriptors hold no message {message!r}; give its full name, with the package") from None
    return pool, message_factory.GetMessageClass(descriptor)


@lru_cache(maxsize=8)
def _pool(descriptors: bytes) -> Any:
    from importlib import import_module

    from google.protobuf import descriptor_pb2, descriptor_pool
    from google.protobuf.message import DecodeError

    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptors).file
    except DecodeError:
        files = ()
    if not files:
        raise ValueError(
            "proto_file is no set of descriptors; make one with: protoc --include_imports --descriptor_set_out=FILE NAME.proto"
        )
    pool = descriptor_pool.DescriptorPool()
    given = {file.name for file in files}
    for name in _WELL_KNOWN:  # sets made without --include_imports refer to these
        if f"google/protobuf/{name}.proto" not in given:
            pool.AddSerializedFile(import_module(f"google.protobuf.{name}_pb2").DESCRIPTOR.serialized_pb)
    try:
        for file in files:
            pool.AddSerializedFile(file.SerializeToString())
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"the set of descriptors is incomplete or wrong: {error}") from None
    return pool
