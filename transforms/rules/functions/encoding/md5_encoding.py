"""md5_encoding"""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Annotated

from transforms.rules.byte_formats import Data
from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Choice

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "encoding",
    parameters={
        "value": "Text, of which the UTF-8 form is taken, or bytes.",
        "format": "`hex` gives 32 hexadecimal digits, `binary` 16 bytes.",
    },
    examples=[
        Example('md5_encoding(v("a"))', {"a": "GeeksforGeeks"}, "f1e069787ece74531d112559945c6871"),
        Example('base64_encoding(md5_encoding(v("a"), format="binary"))', {"a": "GeeksforGeeks"}, "8eBpeH7OdFMdESVZlFxocQ=="),
        Example('md5_encoding("")', {}, "d41d8cd98f00b204e9800998ecf8427e"),
        Example('md5_encoding("a", "octal")', {}, error="hex, binary"),
        Example('md5_encoding(v("missing"))', {}, error="None is not text"),
    ],
)
def md5_encoding(value: Data, format: Annotated[str, Choice("hex", "binary")] = "hex") -> str | bytes:
    """Gives the MD5 digest.

    MD5 tells contents apart and hides little: short or common texts can be found again by trying. It is no protection against forgery.
    """
    digest = md5(value, usedforsecurity=False)
    return digest.hexdigest() if format == "hex" else digest.digest()


@md5_encoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import each

    if call.fixed("format") != "hex":
        raise Decline
    return each(call.text("value"), lambda text: md5(text.encode(), usedforsecurity=False).hexdigest())
