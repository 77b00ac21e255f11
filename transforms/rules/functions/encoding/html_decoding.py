"""html_decoding"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "encoding",
    parameters={"value": "The text."},
    examples=[
        Example('html_decoding(v("a"))', {"a": "&lt;b&gt; &eacute;&#233;&#xe9;"}, "<b> ééé"),
        Example('html_decoding("a & b &unknown;")', {}, "a & b &unknown;", title="What is no reference stays"),
        Example('html_decoding(v("missing"))', {}, error="None is not text"),
    ],
)
def html_decoding(value: Text) -> str:
    """Turns HTML's references into the characters they stand for.

    All names of HTML 5 and numbers are known.
    """
    return html.unescape(value)


@html_decoding.columns
def _columns(_frame: Frame, call: Arguments) -> Column:
    from transforms.rules.text_columns import where

    value = call.text("value")
    plain = ~value.str.contains("&", literal=True).fill_null(False)
    return where(plain, value, lambda texts: texts, html.unescape)
