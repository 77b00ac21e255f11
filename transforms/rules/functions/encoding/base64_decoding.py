"""base64_decoding"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from transforms.rules.byte_formats import from_base64, text_or_bytes
from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Choice, Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "encoding",
    parameters={
        "value": "The Base64 text.",
        "format": "The standard that is followed, `RFC3548` or `RFC4648`; here they do the same.",
    },
    examples=[
        Example('base64_decoding(v("a"))', {"a": "ZGF0YSB0byBiZSBlbmNvZGVk"}, "data to be encoded"),
        Example('base64_decoding("YQ")', {}, "a", title="Padding may be missing"),
        Example('base64_decoding("/w==")', {}, b"\xff", title="No UTF-8: bytes"),
        Example('base64_decoding(v("a"))', {"a": "a*b"}, error="this is no Base64 text"),
    ],
)
def base64_decoding(value: Text, format: Annotated[str, Choice("RFC3548", "RFC4648")] | None = None) -> str | bytes:
    """Reads Base64.

    Gives text if what comes out is UTF-8, else bytes, which `bin2hex`, `str_decode` and others take. White space is skipped and missing
    padding added.
    """
    return text_or_bytes(from_base64(value))


@base64_decoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    import polars as pl
    from polars.exceptions import PolarsError

    value = call.text("value")
    try:
        return value.str.decode("base64").cast(pl.String)
    except PolarsError:
        # Some text that is no Base64, is written otherwise, or holds no UTF-8: the scalar form knows which.
        raise Decline from None
