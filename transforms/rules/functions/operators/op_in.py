"""op_in"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.function import Example, expression
from transforms.rules.functions.operators._membership import contains
from transforms.rules.kinds import AnyValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "operators",
    parameters={"container": "Text, a list, a tuple or a dictionary: what is searched.", "element": "What is looked for."},
    examples=[
        Example('op_in(["GET", "HEAD"], v("method"))', {"method": "GET"}, True),
        Example('op_in(v("text"), "error")', {"text": "an error here"}, True, title="Text contains text"),
        Example('op_in(v("list"), v("n"))', {"list": "[1, 3, 2]", "n": "12"}, False, title="A field that looks like a list is text"),
        Example('op_in({"a": 1}, "a")', {}, True, title="Keys of a dictionary"),
        Example('op_in(["1"], 1)', {}, False, title="Text and a number are never equal"),
        Example('op_in(v("text"), 5)', {"text": "5"}, error="text contains text only"),
    ],
)
def op_in(container: AnyValue, element: AnyValue) -> bool:
    """Tells whether a text, list or dictionary contains something.

    The container comes first. Text contains a piece of text; lists and tuples contain what is equal to one of their elements, as
    ``op_eq`` says; dictionaries contain their keys.
    """
    return contains(container, element)


@op_in.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.functions.operators._membership_columns import contains_columns

    return contains_columns(call)
