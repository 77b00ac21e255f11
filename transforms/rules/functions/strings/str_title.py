"""str_title"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.kinds import Text


@expression(
    "strings",
    parameters={"value": "The text."},
    examples=[
        Example('str_title(v("a"))', {"a": "this is ETL"}, "This Is Etl"),
        Example('str_title("it\'s 3d")', {}, "It'S 3D", title="Words are runs of letters"),
        Example('str_title("")', {}, ""),
        Example('str_title(v("missing"))', {}, error="None is not text"),
    ],
)
def str_title(value: Text) -> str:
    """Begins each word with a capital letter and goes on with small ones.

    A word is a run of letters, so a letter after a digit or an apostrophe is a capital one too.
    """
    return value.title()
