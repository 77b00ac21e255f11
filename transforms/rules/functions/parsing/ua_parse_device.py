"""ua_parse_device"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.parsing._user_agents import part_of
from transforms.rules.kinds import Text


@expression(
    "parsing",
    parameters={"value": "The text of a User-Agent header."},
    examples=[
        Example(
            'ua_parse_device(v("agent"))',
            {
                "agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985 Safari/537.36"
            },
            {"family": "Mac", "brand": "Apple", "model": "Mac"},
        ),
        Example('ua_parse_device("")', {}, {"family": "Other"}),
        Example('ua_parse_device(v("missing"))', {}, error="None is not text"),
    ],
)
def ua_parse_device(value: Text) -> dict[str, str]:
    """Tells the device from a User-Agent header.

    The result is a dictionary with ``family``, ``brand`` and ``model``.
    What is not known is left out, and an unknown family is ``Other``.
    The rules are those of the uap-core project: a newer edition of them knows more.
    """
    return part_of(value, "device")
