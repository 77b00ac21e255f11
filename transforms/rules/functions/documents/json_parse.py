"""json_parse"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.documents._json import NotJson, document
from transforms.rules.kinds import AnyValue, Flag


@expression(
    "documents",
    parameters={
        "value": "JSON text.",
        "default": "What to give for text that is not JSON.",
        "restrict": "Fail for text that is not JSON, instead of giving the default.",
    },
    examples=[
        Example('json_parse(v("c"))', {"c": '{"abc": 123, "xyz": [1.0, true, null]}'}, {"abc": 123, "xyz": [1.0, True, None]}),
        Example('json_parse(v("c"))', {"c": "123456789012345678901234567890"}, 123456789012345678901234567890),
        Example('json_parse(v("c"))', {"c": "null"}, None),
        Example('json_parse(v("c"), default="?")', {"c": "abc"}, "?"),
        Example('json_parse(v("c"), restrict=true)', {"c": "abc"}, error="not JSON text"),
    ],
)
def json_parse(value: AnyValue, default: AnyValue = None, restrict: Flag = False) -> Any:
    """Turns JSON text into a value.

    Objects become dictionaries, arrays lists; integers are exact whatever their size. Text that is not JSON gives the default, or fails
    the event if ``restrict`` is true.
    """
    try:
        return document(value)
    except NotJson:
        if restrict:
            raise
        return default
