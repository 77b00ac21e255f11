"""lst_append"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import AnyValue, ListValue


@expression(
    "lists",
    parameters={"list": "A list or tuple, or JSON text of one.", "values": "One or more values."},
    examples=[
        Example('lst_append(v("ctx"), "k3")', {"ctx": '["k1","k2"]'}, ["k1", "k2", "k3"]),
        Example("lst_append([], [1], 2)", {}, [[1], 2], title="A list becomes one element"),
        Example("lst_append((1,), 2)", {}, [1, 2]),
        Example('lst_append(v("missing"), 1)', {"a": "1"}, error="a list is needed, not None"),
    ],
)
def lst_append(list_: ListValue, *values: AnyValue) -> list[Any]:
    """Puts values at the end of a list.

    The list itself is not changed: the result is a new one. ``op_add`` joins two lists.
    """
    return [*list_, *values]
