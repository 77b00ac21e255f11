"""json_select"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.documents._json import document
from transforms.rules.kinds import AnyValue, Flag, Jmes


@expression(
    "documents",
    parameters={
        "value": "JSON text, a list or a dictionary.",
        "jmes": "What to take out of it, in JMESPath.",
        "default": "What to give where there is nothing.",
        "restrict": "Fail for text that is not JSON, instead of giving the default.",
    },
    examples=[
        Example('json_select(v("c"), "name")', {"c": '{"name": "xiaoming", "age": 10}'}, "xiaoming"),
        Example('json_select(v("c"), "people[*].first")', {"c": '{"people": [{"first": "A"}, {"first": "B"}, {}]}'}, ["A", "B"]),
        Example('json_select(v("c"), "length([*])", default=0)', {"c": "[]"}, 0),
        Example(
            r'json_select(v("c"), "name.\"name-test\"")',
            {"c": '{"name": {"name-test": 1.0}}'},
            1.0,
            title="Names with a hyphen need quotes",
        ),
        Example('json_select(v("c"), "length(a)", default=-1)', {"c": '{"a": 5}'}, -1, title="A function of the wrong type finds nothing"),
        Example('json_select(v("c"), "a", default="none")', {"c": "{"}, "none"),
        Example('json_select(v("c"), "a", restrict=true)', {"c": "{"}, error="not JSON text"),
        Example('json_select(v("c"), "name-test")', {"c": "{}"}, error="invalid JMESPath"),
    ],
)
def json_select(value: AnyValue, jmes: Jmes, default: AnyValue = None, restrict: Flag = False) -> Any:
    """Takes a value out of a JSON document by a JMESPath expression.

    The result keeps its JSON type: text, number, Boolean, list or dictionary. Where the expression finds nothing, or ``null``, the
    default is given. It is given as well if the text is not JSON or a function of the expression gets a value of the wrong type, unless
    ``restrict`` is true: the event fails then.
    """
    try:
        found = jmes.search(document(value))
    except ValueError:
        if restrict:
            raise
        return default
    return default if found is None else found
