"""html_encoding"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import Text
from transforms.rules.limits import within_limit

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "encoding",
    parameters={"value": "The text."},
    examples=[
        Example('html_encoding(v("a"))', {"a": '<a title="x">&\'é'}, "&lt;a title=&quot;x&quot;&gt;&amp;&#x27;é"),
        Example('html_encoding("")', {}, ""),
        Example('html_encoding(v("missing"))', {}, error="None is not text"),
    ],
)
def html_encoding(value: Text) -> str:
    """Writes a text so that it can stand in HTML.

    The characters `& < > " '` become references; all others stay.
    """
    made = html.escape(value, quote=True)
    within_limit(len(made))
    return made


@html_encoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.limits import MOST_CHARACTERS
    from transforms.rules.text_columns import longest

    value = call.text("value")
    if longest(value) * 6 > MOST_CHARACTERS:
        raise Decline
    return value.str.replace_many(["&", "<", ">", '"', "'"], ["&amp;", "&lt;", "&gt;", "&quot;", "&#x27;"])
