"""url_encoding"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Text
from transforms.rules.limits import MOST_CHARACTERS, within_limit

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "encoding",
    parameters={"value": "The text."},
    examples=[
        Example('url_encoding(v("a"))', {"a": "https://h/p a?é"}, "https%3A%2F%2Fh%2Fp%20a%3F%C3%A9"),
        Example('url_encoding("A-Za_z.0~9")', {}, "A-Za_z.0~9", title="Letters, digits and four marks stay"),
        Example('url_encoding(v("missing"))', {}, error="None is not text"),
    ],
)
def url_encoding(value: Text) -> str:
    """Writes a text so that it can be part of a URL.

    All bytes of its UTF-8 form other than letters, digits and `_.-~` become `%XX`, also `/` and `:`; a blank becomes `%20`.
    """
    made = quote(value, safe="")
    within_limit(len(made))
    return made


@url_encoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import is_ascii, longest, where

    value = call.text("value")
    if longest(value) * 3 > MOST_CHARACTERS:
        raise Decline
    return where(is_ascii(value), value, lambda texts: texts.str.replace_many(_MARKS), lambda text: quote(text, safe=""))


_MARKS = {mark: quote(mark, safe="") for mark in map(chr, range(128)) if quote(mark, safe="") != mark}
