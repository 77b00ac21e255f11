"""url_parse_qs"""

from __future__ import annotations

import codecs
from typing import Annotated, Any
from urllib.parse import parse_qs

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Flag, Kind, Text, choice_of
from transforms.rules.values import as_text

MOST_FIELDS = 10_000
"""Parameters of one query string."""


def _encoding(value: Any) -> str:
    name = as_text(value)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        raise ValueError(f"unknown encoding {name[:60]!r}; utf-8, gbk and latin-1 are some that exist") from None
    if not info._is_text_encoding:
        raise ValueError(f"{name!r} is no encoding of text")
    return name


Encoding = Annotated[str, Kind("the name of an encoding", _encoding)]
Errors = Annotated[str, choice_of("errors", ("replace", "strict", "ignore", "backslashreplace"))]


@expression(
    "parsing",
    parameters={
        "qs": "The query string, without the question mark.",
        "keep_blank_values": "Keep parameters without a value, as empty text.",
        "strict_parsing": "Fail for parts that have no equals sign.",
        "encoding": "The encoding of what is percent-encoded.",
        "errors": "What becomes of bytes that cannot be decoded: replace, ignore, backslashreplace or strict (the event fails).",
        "ignore_multi_fields": "Give the first value of each parameter as text; otherwise lists of all values.",
    },
    examples=[
        Example('url_parse_qs(v("q"))', {"q": "a=1&b=x+y%21&a=2&c="}, {"a": "1", "b": "x y!"}),
        Example('url_parse_qs(v("q"), ignore_multi_fields=false)', {"q": "a=1&b=2&a=3"}, {"a": ["1", "3"], "b": ["2"]}),
        Example('url_parse_qs(v("q"), keep_blank_values=true)', {"q": "a=&b"}, {"a": "", "b": ""}),
        Example('url_parse_qs(v("q"), encoding="gbk")', {"q": "k=%D6%D0"}, {"k": "中"}),
        Example('url_parse_qs("")', {}, {}),
        Example('url_parse_qs(v("q"), strict_parsing=true)', {"q": "a=1&b"}, error="bad query field: 'b'"),
        Example('url_parse_qs(v("q"), encoding="utf-9")', {"q": "a=1"}, error="unknown encoding 'utf-9'"),
    ],
    status="newer",
)
def url_parse_qs(
    qs: Text,
    keep_blank_values: Flag = False,
    strict_parsing: Flag = False,
    encoding: Encoding = "utf-8",
    errors: Errors = "replace",
    ignore_multi_fields: Flag = True,
) -> dict[str, Any]:
    """Takes the query string of a URL apart.

    The result is a dictionary of parameters, decoded; ``+`` is a blank. Parameters without a value are left out unless they are asked for.
    """
    found = parse_qs(qs, keep_blank_values, strict_parsing, encoding, errors, max_num_fields=MOST_FIELDS)
    return {name: values[0] for name, values in found.items()} if ignore_multi_fields else dict(found)
