"""pb_to_json"""

from __future__ import annotations

import base64
from typing import Annotated, Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.documents._protobuf import decoded
from transforms.rules.kinds import Kind, Text
from transforms.rules.values import as_text


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode("".join(as_text(value).split()), validate=True)
    except ValueError as error:
        raise ValueError(f"bytes or Base64 text are needed: {error}") from None


Binary = Annotated[bytes, Kind("bytes, or Base64 text of them", _bytes)]
_EXAMPLE = "Cj0KB2EucHJvdG8SBGRlbW8iJAoDSGl0Eg8KB3VzZXJfaWQYASABKAMSDAoEcGF0aBgCIAEoCWIGcHJvdG8z"


@expression(
    "documents",
    parameters={
        "data": "The serialised message.",
        "proto_file": "A serialised FileDescriptorSet, as protoc writes it with --descriptor_set_out.",
        "message": "Full name of the message's type.",
    },
    examples=[
        Example(f'pb_to_json(v("m"), "{_EXAMPLE}", "demo.Hit")', {"m": "CAcSAi94"}, {"user_id": "7", "path": "/x"}),
        Example(f'pb_to_json(v("m"), "{_EXAMPLE}", "demo.Hit")', {"m": ""}, {}, title="Fields that are not set are left out"),
        Example(f'pb_to_json(v("m"), "{_EXAMPLE}", "demo.Miss")', {"m": ""}, error="hold no message 'demo.Miss'"),
        Example(f'pb_to_json(v("m"), "{_EXAMPLE}", "demo.Hit")', {"m": "EgI="}, error="are no message demo.Hit"),
        Example('pb_to_json(v("m"), "syntax!", "demo.Hit")', {"m": ""}, error="bytes or Base64 text are needed"),
    ],
    status="presumed",
)
def pb_to_json(data: Binary, proto_file: Binary, message: Text) -> dict[str, Any]:
    """Turns a serialised Protocol Buffers message into a dictionary.

    Types are not compiled here: ``protoc --include_imports --descriptor_set_out=FILE NAME.proto`` makes the set of descriptors, which
    ``res_oss_file(…, format="binary")`` loads. Names of fields stay as they are; values follow the JSON mapping of Protocol Buffers, so
    64-bit integers are text and bytes are Base64.
    """
    return decoded(data, proto_file, message)
