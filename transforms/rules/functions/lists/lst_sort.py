"""lst_sort"""

from __future__ import annotations

import operator
from functools import cmp_to_key
from typing import Any

from transforms.rules.function import Example, expression
from transforms.rules.functions.operators._comparison import compare, same_kind
from transforms.rules.kinds import Flag, ListValue
from transforms.rules.values import kind_of


@expression(
    "lists",
    parameters={"list": "A list or tuple, or JSON text of one.", "reverse": "Whether the greatest comes first."},
    examples=[
        Example('lst_sort(v("ctx"))', {"ctx": "[3, 1, 2.5]"}, [1, 2.5, 3]),
        Example('lst_sort(["b", "a", "B"])', {}, ["B", "a", "b"], title="Text sorts by code points"),
        Example("lst_sort([1, 3, 2], reverse=true)", {}, [3, 2, 1]),
        Example('lst_sort([1, "a"])', {}, error="an integer and text have no common order"),
    ],
    status="presumed",
)
def lst_sort(list_: ListValue, reverse: Flag = False) -> list[Any]:
    """Sorts a list.

    Numbers sort by value, text by code points, lists element by element; all elements have to be of one kind. Equal elements keep their
    order. The list itself is not changed: the result is a new one.
    """
    for element in list_:
        if not same_kind(list_[0], element):
            raise TypeError(f"{kind_of(list_[0])} and {kind_of(element)} have no common order")
    return sorted(list_, key=cmp_to_key(_order), reverse=reverse)


def _order(a: Any, b: Any) -> int:
    return -1 if compare(operator.lt, a, b) else 1 if compare(operator.gt, a, b) else 0
