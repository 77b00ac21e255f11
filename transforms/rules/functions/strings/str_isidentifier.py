"""str_isidentifier"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": "The text."},
    examples=[
        Example('str_isidentifier(v("a"))', {"a": "field_1"}, True),
        Example('str_isidentifier(v("a"))', {"a": "1st"}, False),
        Example('str_isidentifier("class")', {}, True, title="A reserved word"),
        Example('str_isidentifier(v("missing"))', {}, error="None is not text"),
    ],
)
def str_isidentifier(value: Text) -> bool:
    """Tells whether a text is a name as programming languages have them.

    It begins with a letter or an underscore and goes on with letters, digits and underscores. Reserved words count as well.
    """
    return value.isidentifier()
