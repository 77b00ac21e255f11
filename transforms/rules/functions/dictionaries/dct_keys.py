"""dct_keys"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import ObjectValue


@expression(
    "dictionaries",
    parameters={"d": "A dictionary, or JSON text of one."},
    examples=[
        Example('dct_keys(v("ctx"))', {"ctx": '{"k1":"v1","k2":"v2"}'}, ["k1", "k2"]),
        Example("dct_keys({})", {}, []),
        Example('dct_keys({2: "b", 1: "a"})', {}, [2, 1], title="In the order of the dictionary"),
        Example('dct_keys(v("ctx"))', {"ctx": "7"}, error="a dictionary is needed, not JSON text of an integer"),
    ],
)
def dct_keys(d: ObjectValue) -> list[Any]:
    """Lists the keys of a dictionary.

    They come in the order in which they were put in.
    """
    return list(d)
