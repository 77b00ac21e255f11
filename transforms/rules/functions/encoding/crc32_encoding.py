"""crc32_encoding"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Annotated

from transforms.rules.byte_formats import Encoding, read_bytes
from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import AnyValue, Choice

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


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


@crc32_encoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import each

    value = call.text("value")
    if call.fixed("input_format") != "raw" or call.fixed("input_encoding") != "utf-8" or value.null_count():
        raise Decline
    return each(value, lambda text: zlib.crc32(text.encode()))
