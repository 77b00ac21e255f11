"""gzip_decompress"""

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
        Example('gzip_decompress(v("a"))', {"a": "H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="}, "hello"),
        Example('gzip_decompress(gzip_compress(v("a"), to_format="hex"), from_format="hex")', {"a": "x"}, "x"),
        Example('gzip_decompress(v("a"))', {"a": "aGVsbG8="}, error="this is no gzip data"),
        Example('gzip_decompress(v("a"))', {"a": "H4sIAAAAAAAAA8tIzcnJBw=="}, error="the data ends too early"),
        Example('gzip_decompress(v("a"))', {"a": "*"}, error="this is no Base64 text"),
    ],
)
def gzip_decompress(data: AnyValue, from_format: Annotated[str, Choice("base64", "hex")] = "base64", encoding: Encoding = "utf-8") -> str:
    """Gives the text that was compressed in the gzip format.

    Data of several members is put together. More than 10,000,000 bytes are an error.
    """
    return inflated(read_bytes(data, from_format), "gzip").decode(encoding)
