"""dct_get"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.dictionaries._kinds import Key
from transforms.rules.kinds import AnyValue, ObjectValue


@expression(
    "dictionaries",
    parameters={"d": "A dictionary, or JSON text of one.", "key": "The key.", "default": "What to give when the key is not there."},
    examples=[
        Example('dct_get(v("data"), "k1")', {"data": '{"k1":"v1","k2":"v2"}'}, "v1"),
        Example('dct_get(v("data"), "n")', {"data": '{"n": 1.5}'}, 1.5, title="Values keep their kinds"),
        Example('dct_get({"a": 1}, "b")', {}, None),
        Example('dct_get({"a": 1}, "b", default="-")', {}, "-"),
        Example('dct_get(v("data"), "k")', {"data": "k=v"}, error="Expecting value"),
    ],
)
def dct_get(d: ObjectValue, key: Key, default: AnyValue = None) -> Any:
    """Gives the value of a key.

    Without the key the default is given, and without a default nothing (None). Keys of JSON text are text: ``"1"``, not 1.
    """
    return d.get(key, default)
