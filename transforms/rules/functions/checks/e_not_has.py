"""e_not_has"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.event import Event
from transforms.rules.function import Example, expression
from transforms.rules.kinds import FieldName

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "checks",
    parameters={"name": "The field's name, taken as it is, not as a regular expression."},
    examples=[
        Example('e_not_has("a")', {"b": "x"}, True),
        Example('e_not_has("a")', {"a": ""}, False, title="An empty field is a field"),
        Example("e_not_has()", {}, error="missing 1 required positional argument: 'name'"),
    ],
)
def e_not_has(event: Event, name: FieldName) -> bool:
    """Tells whether the event lacks a field.

    The opposite of ``e_has``: true only if there is no field of that name, not if it is empty.
    """
    return event.get(name) is None


@e_not_has.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.columns import Fixed

    column = frame.column(call.fixed("name"))
    return Fixed(True) if column is None else column.is_null()
