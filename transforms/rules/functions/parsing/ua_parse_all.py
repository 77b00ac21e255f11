"""ua_parse_all"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.parsing._user_agents import all_of
from transforms.rules.kinds import Text


@expression(
    "parsing",
    parameters={"value": "The text of a User-Agent header."},
    examples=[
        Example(
            'ua_parse_all(v("agent"))',
            {
                "agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_4) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985 Safari/537.36"
            },
            {
                "device": {"family": "Mac", "brand": "Apple", "model": "Mac"},
                "os": {"family": "Mac OS X", "major": "10", "minor": "9", "patch": "4"},
                "user_agent": {"family": "Chrome", "major": "36", "minor": "0", "patch": "1985"},
            },
        ),
        Example('ua_parse_all("")', {}, {"device": {"family": "Other"}, "os": {"family": "Other"}, "user_agent": {"family": "Other"}}),
        Example('ua_parse_all(v("missing"))', {}, error="None is not text"),
    ],
)
def ua_parse_all(value: Text) -> dict[str, dict[str, str]]:
    """Tells the device, the operating system and the browser from a User-Agent header.

    The result is a dictionary with ``device``, ``os`` and ``user_agent``.
    What is not known is left out, and an unknown family is ``Other``.
    The rules are those of the uap-core project: a newer edition of them knows more.
    """
    return all_of(value)
