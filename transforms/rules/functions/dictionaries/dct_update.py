"""dct_update"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import ObjectValue


@expression(
    "dictionaries",
    parameters={"d1": "A dictionary, or JSON text of one.", "d2": "The dictionary that wins, or JSON text of one."},
    examples=[
        Example('dct_update(v("ctx"), {"k3": "v3"})', {"ctx": '{"k1":"v1"}'}, {"k1": "v1", "k3": "v3"}),
        Example('dct_update({"a": {"x": 1}}, {"a": {"y": 2}})', {}, {"a": {"y": 2}}, title="Values are replaced whole"),
        Example('dct_update("{}", {})', {}, {}),
        Example('dct_update(v("ctx"), {})', {"ctx": "[1]"}, error="a dictionary is needed, not JSON text of a list"),
    ],
)
def dct_update(d1: ObjectValue, d2: ObjectValue) -> dict[Any, Any]:
    """Adds the pairs of one dictionary to another.

    Where both have a key, the second one wins. Dictionaries inside are not merged. The result is a new dictionary.
    """
    return {**d1, **d2}
