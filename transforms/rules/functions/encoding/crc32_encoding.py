"""crc32_encoding"""

from __future__ import annotations

import zlib
from typing import Annotated

from transforms.rules.byte_formats import Encoding, read_bytes
from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue, Choice


@expression(
    "encoding",
    parameters={
        "value": "Text or bytes.",
        "input_format": "What the value is written as: `raw` (as it is), `hex` or `base64`.",
        "input_encoding": "The encoding in which text becomes bytes.",
    },
    examples=[
        Example('crc32_encoding(v("a"))', {"a": "aatest"}, 788759217),
        Example('crc32_encoding("616174657374", "hex")', {}, 788759217),
        Example('crc32_encoding("")', {}, 0),
        Example('crc32_encoding(v("a"), "base64")', {"a": "*"}, error="this is no Base64 text"),
    ],
    status="newer",
)
def crc32_encoding(
    value: AnyValue, input_format: Annotated[str, Choice("raw", "hex", "base64")] = "raw", input_encoding: Encoding = "utf-8"
) -> int:
    """Gives the CRC-32 check sum, an integer from 0 to 4,294,967,295.

    It is the check sum of Ethernet, gzip and zlib.
    """
    return zlib.crc32(read_bytes(value, input_format, input_encoding))
