"""lst_delete_at"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.lists._positions import check_position
from transforms.rules.kinds import Integer, ListValue


@expression(
    "lists",
    parameters={"list": "A list or tuple, or JSON text of one.", "pos": "The position; negative: counted from the end."},
    examples=[
        Example('lst_delete_at(v("ctx"), 1)', {"ctx": '["k1","k2"]'}, ["k1"]),
        Example("lst_delete_at([1, 2, 3], -1)", {}, [1, 2], title="Counted from the end"),
        Example('lst_delete_at([1], "0")', {}, []),
        Example("lst_delete_at([1, 2], 2)", {}, error="there is no position 2 in a list of 2 elements"),
    ],
)
def lst_delete_at(list_: ListValue, pos: Integer) -> list[Any]:
    """Takes one element out of a list.

    Positions begin at 0; one that is not there fails the event. The list itself is not changed: the result is a new one.
    """
    elements = list(list_)
    check_position(elements, pos)
    del elements[pos]
    return elements
