"""base64_encoding"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from transforms.rules.byte_formats import Data, to_base64
from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Choice

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "encoding",
    parameters={
        "value": "Text, of which the UTF-8 form is taken, or bytes.",
        "format": "The standard that is followed, `RFC3548` or `RFC4648`; here they do the same.",
    },
    examples=[
        Example('base64_encoding(v("a"))', {"a": "data to be encoded"}, "ZGF0YSB0byBiZSBlbmNvZGVk"),
        Example('base64_encoding("é?")', {}, "w6k/"),
        Example('base64_encoding(b"\\xff", "RFC4648")', {}, "/w==", title="Bytes"),
        Example('base64_encoding("a", format="RFC1")', {}, error="RFC3548, RFC4648"),
        Example('base64_encoding(v("missing"))', {}, error="None is not text"),
    ],
)
def base64_encoding(value: Data, format: Annotated[str, Choice("RFC3548", "RFC4648")] | None = None) -> str:
    """Writes text or bytes in Base64.

    Both standards mean the alphabet with `+` and `/`, filled up with `=`.
    """
    return to_base64(value)


@base64_encoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.limits import MOST_CHARACTERS
    from transforms.rules.text_columns import longest

    value = call.text("value")
    if longest(value) * 4 // 3 > MOST_CHARACTERS - 4:
        raise Decline
    return value.str.encode("base64")
