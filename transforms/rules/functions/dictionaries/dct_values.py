"""dct_values"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import ObjectValue


@expression(
    "dictionaries",
    parameters={"d": "A dictionary, or JSON text of one."},
    examples=[
        Example('dct_values(v("ctx"))', {"ctx": '{"k1":"v1","k2":2}'}, ["v1", 2]),
        Example("dct_values({})", {}, []),
        Example('dct_values({"b": null, "a": [1]})', {}, [None, [1]], title="In the order of the dictionary"),
        Example('dct_values(v("missing"))', {"a": "1"}, error="a dictionary is needed, not None"),
    ],
)
def dct_values(d: ObjectValue) -> list[Any]:
    """Lists the values of a dictionary.

    They come in the order in which their keys were put in.
    """
    return list(d.values())
