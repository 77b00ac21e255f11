"""str_hex_escape_encode"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "strings",
    parameters={"value": "The text."},
    examples=[
        Example('str_hex_escape_encode(v("a"))', {"a": r"\xe4\xbd\xa0!"}, "你!"),
        Example('str_hex_escape_encode(v("a"))', {"a": r"\xe4 \xZZ \n"}, r"\xe4 \xZZ \n", title="What gives no character stays as it is"),
        Example('str_hex_escape_encode(v("missing"))', {}, error="None is not text"),
    ],
)
def str_hex_escape_encode(value: Text) -> str:
    r"""Turns `\xNN` sequences, which stand for the bytes of UTF-8, into the characters they mean.

    Web servers write such sequences for characters outside ASCII. Sequences that are no UTF-8 stay as they are, written with small
    letters; all other characters stay.
    """
    found = _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), value.encode("utf-8", "surrogatepass"))
    return found.decode("utf-8", "backslashreplace")


@str_hex_escape_encode.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import where

    value = call.text("value")
    plain = ~value.str.contains("\\x", literal=True).fill_null(False)
    return where(plain, value, lambda texts: texts, str_hex_escape_encode.implementation)


_ESCAPE = re.compile(rb"\\x([0-9A-Fa-f]{2})")
