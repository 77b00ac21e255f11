"""str_decode"""

from __future__ import annotations

import codecs
from typing import Annotated

from transforms.rules.byte_formats import Encoding
from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue, Choice
from transforms.rules.limits import within_limit
from transforms.rules.values import kind_of


@expression(
    "strings",
    parameters={
        "value": "The bytes.",
        "encoding": "The encoding: `utf8`, `ascii`, `gbk`, `latin-1`, `utf-16` and whatever else Python knows.",
        "errors": "What becomes of bytes that are no text: `ignore` leaves them out, `strict` fails the event, `replace` puts `?`, "
        "`xmlcharrefreplace` puts `&#NNN;`, `backslashreplace` puts an escape sequence.",
    },
    examples=[
        Example('str_decode(b"\\xe4\\xbd\\xa0", "utf8")', {}, "你"),
        Example('str_decode(b"a\\xffb")', {}, "ab", title="Bytes that are no text are left out"),
        Example('str_decode(b"a\\xffb", "utf8", "replace")', {}, "a?b"),
        Example('str_decode(b"\\xff", "utf8", "strict")', {}, error="'utf-8' codec can't decode byte 0xff"),
        Example('str_decode(v("a"))', {"a": "x"}, error="bytes are needed, not text"),
    ],
)
def str_decode(
    value: AnyValue,
    encoding: Encoding = "utf8",
    errors: Annotated[str, Choice("ignore", "strict", "replace", "xmlcharrefreplace", "backslashreplace")] = "ignore",
) -> str:
    """Turns bytes into text.

    Fields always hold text, so this is for what functions give as bytes: `str_encode`, `base64_decoding` of what is no UTF-8,
    `md5_encoding(…, format="binary")`.
    """
    if not isinstance(value, bytes):
        raise TypeError(f"bytes are needed, not {kind_of(value)}: str_encode gives bytes for a text")
    made = value.decode(encoding, _HANDLERS.get(errors, errors))
    within_limit(len(made))
    return made


def _question_mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "?", error.end


def _reference(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "".join(f"&#{byte};" for byte in error.object[error.start : error.end]), error.end


# Python's own "replace" puts U+FFFD for bytes, and has no references for them.
_HANDLERS = {"replace": "logsluice.question-mark", "xmlcharrefreplace": "logsluice.reference"}
codecs.register_error(_HANDLERS["replace"], _question_mark)
codecs.register_error(_HANDLERS["xmlcharrefreplace"], _reference)
