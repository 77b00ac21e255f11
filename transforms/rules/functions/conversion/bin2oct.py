"""bin2oct"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Bytes


@expression(
    "conversion",
    parameters={"binary": "Bytes; text is taken as its UTF-8 bytes."},
    examples=[
        Example(r'bin2oct(b"\x01\x18\xbc")', {}, "214274"),
        Example('bin2oct(v("a"))', {"a": "a"}, "141", title="Text counts as its UTF-8 bytes"),
        Example('bin2oct("")', {}, ""),
        Example('bin2oct(v("missing"))', {"a": "1"}, error="None is not text"),
    ],
)
def bin2oct(binary: Bytes) -> str:
    """Writes bytes as one octal number.

    The bytes are read as one integer, the first byte weighs most; there is no prefix, and zeros in front are left out.
    """
    return f"{int.from_bytes(binary, 'big'):o}" if binary else ""
