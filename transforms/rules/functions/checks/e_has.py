"""e_has"""

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
        Example('e_has("a")', {"a": "x"}, True),
        Example('e_has("a")', {"a": ""}, True, title="An empty field is a field"),
        Example('e_has("a")', {"b": "x"}, False),
        Example("e_has()", {}, error="missing 1 required positional argument: 'name'"),
    ],
)
def e_has(event: Event, name: FieldName) -> bool:
    """Tells whether the event has a field.

    An empty field counts. To ask for a field that is there and not empty, the field's value itself serves as a condition: ``v("a")``.
    """
    return event.get(name) is not None


@e_has.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.columns import Fixed

    column = frame.column(call.fixed("name"))
    return Fixed(False) if column is None else column.is_not_null()
