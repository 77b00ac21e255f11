"""url_encoding"""

from __future__ import annotations

from urllib.parse import quote

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text
from transforms.rules.limits import within_limit


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
