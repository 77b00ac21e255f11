"""url_decoding"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "encoding",
    parameters={"value": "The text."},
    examples=[
        Example('url_decoding(v("a"))', {"a": "https%3A%2F%2Fh%2F%E4%BD%A0"}, "https://h/你"),
        Example('url_decoding(v("a"))', {"a": "a+b%2B"}, "a+b+", title="A plus sign stays"),
        Example(
            'url_decoding("100% %zz %FF")', {}, "100% %zz \ufffd", title="What is no sequence stays; bytes that are no UTF-8 become U+FFFD"
        ),
        Example('url_decoding(v("missing"))', {}, error="None is not text"),
    ],
)
def url_decoding(value: Text) -> str:
    """Turns the `%XX` sequences of a URL into the characters they stand for.

    The bytes are read as UTF-8. `url_parse_qs` reads whole query strings, in which a plus sign is a blank.
    """
    return unquote(value)


@url_decoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import where

    value = call.text("value")
    plain = ~value.str.contains("%", literal=True).fill_null(False)
    return where(plain, value, lambda texts: texts, unquote)
