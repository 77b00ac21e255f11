"""sha1_encoding"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any

from transforms.rules.byte_formats import Data
from transforms.rules.function import Example, expression
from transforms.rules.kinds import Choice

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "encoding",
    parameters={
        "value": "Text, of which the UTF-8 form is taken, or bytes.",
        "format": "Which digest: `SHA1`, `SHA224`, `SHA256`, `SHA384` or `SHA512`; without it `SHA1`.",
    },
    examples=[
        Example('sha1_encoding(v("a"))', {"a": "GeeksforGeeks"}, "4175a37afd561152fb60c305d4fa6026b7e79856"),
        Example(
            'sha1_encoding(v("a"), format="SHA224")', {"a": "GeeksforGeeks"}, "173994f309f727ca939bb185086cd7b36e66141c9e52ba0bdcfd145d"
        ),
        Example('sha1_encoding("", "SHA256")', {}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        Example('sha1_encoding("a", "MD5")', {}, error="SHA1, SHA224, SHA256, SHA384, SHA512"),
        Example('sha1_encoding(v("missing"))', {}, error="None is not text"),
    ],
)
def sha1_encoding(value: Data, format: Annotated[str, Choice("SHA1", "SHA224", "SHA256", "SHA384", "SHA512")] | None = None) -> str:
    """Gives a digest of the SHA family, as hexadecimal digits in small letters.

    A digest of a short or common text can be found again by trying all of them.
    """
    made: str = _digest(format)(value, usedforsecurity=False).hexdigest()
    return made


def _digest(format: str | None) -> Any:
    return getattr(hashlib, (format or "SHA1").lower())


@sha1_encoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import each

    digest = _digest(call.fixed("format"))
    return each(call.text("value"), lambda text: digest(text.encode(), usedforsecurity=False).hexdigest())
