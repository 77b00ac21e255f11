"""e_match"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, expression
from transforms.rules.kinds import FieldName, Flag, Regex

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@expression(
    "checks",
    parameters={
        "name": "The field's name, taken as it is.",
        "regex": "The regular expression.",
        "full": "Whether it has to match the whole value; otherwise a part of it is enough.",
    },
    examples=[
        Example(r'e_match("status", r"[45]\d\d")', {"status": "503"}, True),
        Example(r'e_match("path", "/api")', {"path": "/api/users"}, False, title="The whole value has to match"),
        Example(r'e_match("path", "/api", full=False)', {"path": "/api/users"}, True),
        Example(r'e_match("status", ".*")', {}, False, title="A missing field does not match"),
        Example('e_match("status", "[45")', {}, error="invalid regular expression"),
    ],
)
def e_match(event: Event, name: FieldName, regex: Regex, full: Flag = True) -> bool:
    """Tells whether the value of a field matches a regular expression.

    The whole value has to match unless ``full`` is false. A missing field does not match.
    """
    value = event.get(name)
    return value is not None and (regex.whole(value) if full else regex.search(value)) is not None


@e_match.columns
def _columns(frame: Frame, call: Arguments) -> Column:
    from transforms.rules.columns import Fixed
    from transforms.rules.matching import matches

    column = frame.column(call.fixed("name"))
    pattern, full = call.fixed("regex"), call.fixed("full")
    if column is None:
        return Fixed(False)
    try:
        return matches(column, pattern, whole=full)
    except TimeoutError:
        raise Decline from None  # the scalar form finds out which events take too long
