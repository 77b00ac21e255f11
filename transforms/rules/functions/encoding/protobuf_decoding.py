"""protobuf_decoding"""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.byte_formats import read_bytes
from transforms.rules.function import Example, expression
from transforms.rules.functions.documents._protobuf import decoded
from transforms.rules.functions.encoding._schemas import Schema
from transforms.rules.kinds import AnyValue, Choice, Text


@expression(
    "encoding",
    parameters={
        "data": "The serialised message: bytes, or text in the input format.",
        "proto_file": "The schema: what `protoc --include_imports --descriptor_set_out=FILE` writes, as bytes or Base64 text, or the text of a `.proto` file.",
        "message": "The full name of the message, with its package.",
        "input_format": "What the data is written as: `raw` (as it is), `hex` or `base64`.",
    },
    examples=[
        Example(
            'protobuf_decoding(v("a"), "syntax = \\"proto3\\"; message Hit { string path = 1; int32 n = 2; }", "Hit", "base64")',
            {"a": "CgIveBAH"},
            {"path": "/x", "n": 7},
        ),
        Example(
            'protobuf_decoding(base64_decoding(v("a")), res_oss_file("-", "-", "-", "-", "hit.proto"), "demo.Hit")',
            {"a": "CgIveBAH"},
            {"path": "/x", "n": "7"},
            title="A schema from a file; integers of 64 bits are text",
            resources={"res_oss_file": {"hit.proto": 'syntax = "proto3"; package demo; message Hit { string path = 1; int64 n = 2; }'}},
            run=False,
        ),
        Example(
            'protobuf_decoding("", "message Hit { optional int32 n = 1; }", "Hit")', {}, {}, title="Fields that are not set are left out"
        ),
        Example('protobuf_decoding("", "message Hit { optional int32 n = 1; }", "Miss")', {}, error="hold no message 'Miss'"),
        Example('protobuf_decoding(v("a"), "message Hit {}", "Hit", "hex")', {"a": "ff"}, error="are no message Hit"),
        Example('protobuf_decoding("", "message Hit { int32 }", "Hit")', {}, error="the text of the .proto file cannot be read"),
    ],
    status="presumed",
)
def protobuf_decoding(
    data: AnyValue, proto_file: Schema, message: Text, input_format: Annotated[str, Choice("raw", "hex", "base64")] = "raw"
) -> dict[str, Any]:
    """Turns a serialised Protocol Buffers message into a dictionary.

    Names of fields stay as they are; values follow the JSON mapping of Protocol Buffers: integers of 64 bits are text, bytes are
    Base64, enumerations are names. Bytes cannot stand in a field as they are: they come in Base64 or from `base64_decoding`. The text
    of a `.proto` file may import what comes with Protocol Buffers (`google/protobuf/…`); for other imports `protoc` makes a set of
    descriptors, which `res_oss_file(…, format="binary")` loads.
    """
    return decoded(read_bytes(data, input_format), proto_file, message)
