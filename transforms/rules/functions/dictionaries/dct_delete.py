"""dct_delete"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.dictionaries._kinds import Key
from transforms.rules.kinds import ObjectValue


@expression(
    "dictionaries",
    parameters={"d": "A dictionary, or JSON text of one.", "keys": "One or more keys."},
    examples=[
        Example('dct_delete(v("ctx"), "k2")', {"ctx": '{"k1":"v1","k2":"v2"}'}, {"k1": "v1"}),
        Example('dct_delete({"a": 1, "b": 2}, "a", "b")', {}, {}),
        Example('dct_delete({"a": 1}, "z")', {}, {"a": 1}, title="A key that is not there is left out"),
        Example('dct_delete(v("ctx"), "k")', {"ctx": "no"}, error="Expecting value"),
        Example("dct_delete({}, [1])", {}, error="a list cannot be a key"),
    ],
)
def dct_delete(d: ObjectValue, *keys: Key) -> dict[Any, Any]:
    """Takes keys out of a dictionary.

    Keys that are not there are ignored. The result is a new dictionary.
    """
    return {key: value for key, value in d.items() if key not in keys}
