"""gzip_compress"""

from __future__ import annotations

import gzip
from typing import Annotated

from transforms.rules.byte_formats import Encoding, read_bytes, written
from transforms.rules.function import Example, expression
from transforms.rules.functions.compression._kinds import Level
from transforms.rules.kinds import AnyValue, Choice


@expression(
    "compression",
    parameters={
        "data": "Text or bytes.",
        "compresslevel": "From 0 (as it is) to 9 (smallest).",
        "to_format": "What the result is written as: `base64` or `hex`.",
        "encoding": "The encoding in which text becomes bytes.",
    },
    examples=[
        Example('gzip_decompress(gzip_compress(v("a")))', {"a": "héllo"}, "héllo"),
        Example('op_slice(gzip_compress("", to_format="hex"), 16)', {}, "1f8b080000000000", title="The header holds no time"),
        Example('gzip_compress("a", 10)', {}, error="a level from 0 to 9 is needed, not 10"),
        Example('gzip_compress(v("missing"))', {}, error="None is not text"),
    ],
)
def gzip_compress(
    data: AnyValue, compresslevel: Level = 6, to_format: Annotated[str, Choice("base64", "hex")] = "base64", encoding: Encoding = "utf-8"
) -> str | bytes:
    """Compresses text or bytes in the gzip format.

    The header's time is left at 0, so that equal texts give equal results. The exact bytes depend on the library that compresses.
    """
    return written(gzip.compress(read_bytes(data, "raw", encoding), compresslevel, mtime=0), to_format)
