"""lst_get"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.lists._positions import check_position
from transforms.rules.kinds import Integer, ListValue


@expression(
    "lists",
    parameters={"list": "A list or tuple, or JSON text of one.", "index": "The position; negative: counted from the end."},
    examples=[
        Example('lst_get(v("ctx"), 1)', {"ctx": '["k1","k2"]'}, "k2"),
        Example("lst_get([1, 2, 3], -1)", {}, 3, title="Counted from the end"),
        Example('lst_get(v("ctx"), 0)', {"ctx": "[{}]"}, {}, title="Elements keep their kinds"),
        Example('lst_get(v("ctx"), 2)', {"ctx": '["k1","k2"]'}, error="there is no position 2 in a list of 2 elements"),
    ],
)
def lst_get(list_: ListValue, index: Integer) -> Any:
    """Gives one element of a list.

    Positions begin at 0; one that is not there fails the event.
    """
    check_position(list_, index)
    return list_[index]
