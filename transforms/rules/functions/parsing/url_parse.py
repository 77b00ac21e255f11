"""url_parse"""

from __future__ import annotations

from urllib.parse import urlparse

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Flag, Text


@expression(
    "parsing",
    parameters={
        "url": "The URL.",
        "scheme": "The scheme of a URL that names none.",
        "allow_fragments": "Take what follows # as the fragment; otherwise it stays where it is.",
    },
    examples=[
        Example(
            'url_parse(v("u"))',
            {"u": "https://me:pw@example.com:8083/a/b/;type=docx?name=p.docx#top"},
            {
                "scheme": "https", "netloc": "me:pw@example.com:8083", "path": "/a/b/", "params": "type=docx", "query": "name=p.docx",
                "fragment": "top",
            },
        ),
        Example(
            'url_parse("//h/p#f", scheme="http", allow_fragments=false)', {},
            {"scheme": "http", "netloc": "h", "path": "/p#f", "params": "", "query": "", "fragment": ""},
        ),
        Example('url_parse("")', {}, {"scheme": "", "netloc": "", "path": "", "params": "", "query": "", "fragment": ""}),
        Example('url_parse("http://[::1")', {}, error="Invalid IPv6 URL"),
    ],
    status="newer",
)  # fmt: skip
def url_parse(url: Text, scheme: Text = "", allow_fragments: Flag = True) -> dict[str, str]:
    """Takes a URL apart.

    The result is a dictionary with ``scheme``, ``netloc``, ``path``, ``params`` (after ``;`` in the last segment of the path), ``query`` and
    ``fragment``; what a URL does not have is empty text. Nothing is decoded.
    """
    return urlparse(url, scheme=scheme, allow_fragments=allow_fragments)._asdict()
