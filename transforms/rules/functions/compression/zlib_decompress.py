"""zlib_decompress"""

from __future__ import annotations

from typing import Annotated

from transforms.rules.byte_formats import Encoding, read_bytes
from transforms.rules.function import Example, expression
from transforms.rules.functions.compression._inflate import inflated
from transforms.rules.kinds import AnyValue, Choice


@expression(
    "compression",
    parameters={
        "data": "Compressed data, written as Base64 or hexadecimal digits.",
        "from_format": "What the data is written as: `base64` or `hex`.",
        "encoding": "The encoding of the text that comes out.",
    },
    examples=[
        Example('zlib_decompress(v("a"))', {"a": "eJzLSM3JyQcABiwCFQ=="}, "hello"),
        Example('zlib_decompress("789c030000000001", "hex")', {}, ""),
        Example('zlib_decompress(v("a"))', {"a": "aGVsbG8="}, error="this is no zlib data"),
        Example('zlib_decompress(v("a"))', {"a": "eJzLSM3JyQc="}, error="the data ends too early"),
    ],
    status="newer",
)
def zlib_decompress(data: AnyValue, from_format: Annotated[str, Choice("base64", "hex")] = "base64", encoding: Encoding = "utf-8") -> str:
    """Gives the text that was compressed in the zlib format.

    More than 10,000,000 bytes are an error.
    """
    return inflated(read_bytes(data, from_format), "zlib").decode(encoding)
