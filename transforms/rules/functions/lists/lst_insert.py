"""lst_insert"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue, Integer, ListValue


@expression(
    "lists",
    parameters={
        "list": "A list or tuple, or JSON text of one.",
        "pos": "Before which position; negative: counted from the end.",
        "values": "One or more values.",
    },
    examples=[
        Example('lst_insert(v("ctx"), 0, "k0")', {"ctx": '["k1","k2"]'}, ["k0", "k1", "k2"]),
        Example('lst_insert(["a", "d"], 1, "b", "c")', {}, ["a", "b", "c", "d"], title="Several values stay in their order"),
        Example('lst_insert(["a"], 100, "z")', {}, ["a", "z"], title="A position outside is moved to the end"),
        Example('lst_insert(v("ctx"), 0, "k0")', {"ctx": "k1"}, error="Expecting value"),
        Example('lst_insert(v("ctx"), 0)', {}, error="needs at least one argument"),
    ],
)
def lst_insert(list_: ListValue, pos: Integer, *values: AnyValue) -> list[Any]:
    """Puts values into a list, before a position.

    Positions begin at 0; those outside the list are moved to its ends. The list itself is not changed: the result is a new one.
    """
    elements = list(list_)
    elements[pos:pos] = values
    return elements
