"""str_regex_escape"""

from __future__ import annotations

import re

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text
from transforms.rules.limits import within_limit


@expression(
    "strings",
    parameters={"value": "The text."},
    examples=[
        Example('str_regex_escape(v("a"))', {"a": "a.b*c"}, r"a\.b\*c"),
        Example('str_regex_escape("plain_1")', {}, "plain_1"),
        Example('str_regex_escape(v("missing"))', {}, error="None is not text"),
    ],
    status="presumed",
)
def str_regex_escape(value: Text) -> str:
    """Makes a regular expression that matches the text itself.

    Characters that mean something in an expression get a backslash in front.
    """
    within_limit(len(value))
    return re.escape(value)
