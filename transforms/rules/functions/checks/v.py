"""v"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import AnyValue, FieldName

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "checks",
    parameters={
        "names": "One or more field names; they are taken as they are, not as regular expressions.",
        "default": "What to give when the event has none of the fields.",
    },
    examples=[
        Example('v("status")', {"status": "200"}, "200"),
        Example('v("a", "b")', {"b": ""}, "", title="The first field that exists counts, even if it is empty"),
        Example('v("missing", default="-")', {}, "-"),
        Example("v()", {}, error="needs at least one argument"),
    ],
)
def v(event: Event, *names: FieldName, default: AnyValue = None) -> Any:
    """Gives the value of a field.

    The value is always text. Of several names the first whose field exists is taken. Without any of them the default is given,
    and without a default nothing (None).
    """
    for name in names:
        value = event.get(name)
        if value is not None:
            return value
    return default


@v.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.columns import Fixed, fixed

    default = call.fixed("default")
    if default is not None and not isinstance(default, str):
        raise Decline
    found = None
    for name in map(fixed, call.many("names")):
        column = frame.column(name)
        if column is not None:
            found = column if found is None else found.zip_with(found.is_not_null(), column)
        if found is not None and not found.null_count():
            return found
    if found is None:
        return Fixed(default)
    return found if default is None else found.fill_null(default)
