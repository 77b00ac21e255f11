"""lst_make"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue


@expression(
    "lists",
    parameters={"values": "The elements."},
    examples=[
        Example('lst_make("k1", "k2")', {}, ["k1", "k2"]),
        Example('lst_make(v("a"), 1, null)', {"a": "x"}, ["x", 1, None], title="Elements keep their kinds"),
        Example("lst_make()", {}, []),
        Example("lst_make(values=1)", {}, error="got an unexpected keyword argument"),
    ],
)
def lst_make(*values: AnyValue) -> list[Any]:
    """Makes a list of some values.

    The list may be empty. ``[a, b]`` means the same.
    """
    return list(values)
