"""bin2hex"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Bytes


@expression(
    "conversion",
    parameters={"binary": "Bytes; text is taken as its UTF-8 bytes."},
    examples=[
        Example(r'bin2hex(b"\x01\x18\xbc")', {}, "0118bc"),
        Example('bin2hex(v("a"))', {"a": "日"}, "e697a5", title="Text counts as its UTF-8 bytes"),
        Example('bin2hex("")', {}, ""),
        Example('bin2hex(v("missing"))', {"a": "1"}, error="None is not text"),
    ],
)
def bin2hex(binary: Bytes) -> str:
    """Writes bytes as hexadecimal digits.

    Two small digits for each byte, without a prefix.
    """
    return binary.hex()
