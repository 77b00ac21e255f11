"""lst_reverse"""

from __future__ import annotations

from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.kinds import ListValue


@expression(
    "lists",
    parameters={"list": "A list or tuple, or JSON text of one."},
    examples=[
        Example('lst_reverse(v("ctx"))', {"ctx": '["v1","v2"]'}, ["v2", "v1"]),
        Example("lst_reverse((1, 2, 3))", {}, [3, 2, 1]),
        Example('lst_reverse("[]")', {}, []),
        Example('lst_reverse(v("ctx"))', {"ctx": '{"k": 1}'}, error="a list is needed, not JSON text of a dictionary"),
    ],
)
def lst_reverse(list_: ListValue) -> list[Any]:
    """Turns the order of a list round.

    The list itself is not changed: the result is a new one.
    """
    return list(list_)[::-1]
