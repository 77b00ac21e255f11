"""str_encode"""

from __future__ import annotations

from typing import Annotated

from transforms.rules.byte_formats import Encoding
from transforms.rules.function import Example, expression
from transforms.rules.kinds import Choice, Text
from transforms.rules.limits import within_limit


@expression(
    "strings",
    parameters={
        "value": "The text.",
        "encoding": "The encoding: `utf8`, `ascii`, `gbk`, `latin-1`, `utf-16` and whatever else Python knows.",
        "errors": "What becomes of characters that the encoding lacks: `ignore` leaves them out, `strict` fails the event, `replace` puts `?`, "
        "`xmlcharrefreplace` puts `&#NNN;`, `backslashreplace` puts an escape sequence.",
    },
    examples=[
        Example('str_encode("é", "utf8")', {}, b"\xc3\xa9"),
        Example('str_encode(v("a"), "ascii")', {"a": "naïve"}, b"nave", title="Characters that the encoding lacks are left out"),
        Example('str_encode(v("a"), "ascii", "xmlcharrefreplace")', {"a": "ï"}, b"&#239;"),
        Example('str_encode(v("a"), "ascii", "strict")', {"a": "ï"}, error="'ascii' codec can't encode character"),
        Example('str_encode("a", "utf9")', {}, error="unknown encoding: utf9"),
    ],
)
def str_encode(
    value: Text,
    encoding: Encoding = "utf8",
    errors: Annotated[str, Choice("ignore", "strict", "replace", "xmlcharrefreplace", "backslashreplace")] = "ignore",
) -> bytes:
    """Turns text into bytes.

    A field that bytes are written to holds them read as UTF-8, so bytes of other encodings are for functions that take bytes.
    """
    made = value.encode(encoding, errors)
    within_limit(len(made))
    return made
