"""str_istitle"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": "The text."},
    examples=[
        Example('str_istitle(v("a"))', {"a": "This Is Etl"}, True),
        Example('str_istitle(v("a"))', {"a": "This is"}, False),
        Example('str_istitle("")', {}, False, title="The empty text"),
        Example('str_istitle(v("missing"))', {}, error="None is not text"),
    ],
)
def str_istitle(value: Text) -> bool:
    """Tells whether each word of a text begins with a capital letter and goes on with small ones.

    A word is a run of letters. A text without letters does not.
    """
    return value.istitle()
