"""e_drop_fields"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.functions.fields._names import bad_patterns, names_meant
from transforms.rules.kinds import FieldName, Flag

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "fields",
    parameters={
        "fields": "One or more regular expressions; a field is meant if one of them matches its whole name.",
        "regex": "False takes the arguments as field names, letter by letter.",
    },
    examples=[
        Example('e_drop_fields("tmp_.*", "age")', {"tmp_1": "x", "age": "9", "age2": "10"}, {"age2": "10"}),
        Example('e_drop_fields("a.c", regex=False)', {"a.c": "1", "abc": "2"}, {"abc": "2"}, title="Names as they are"),
        Example('e_drop_fields("gone")', {"a": "1"}, {"a": "1"}, title="No such field: nothing happens"),
        Example('e_drop_fields("(")', {}, error="invalid regular expression"),
        Example("e_drop_fields()", {}, error="needs at least one argument"),
    ],
)
def e_drop_fields(event: Event, *fields: FieldName, regex: Flag = True) -> None:
    """Takes fields out of the event.

    Topic, source, tags and the event time are fields as well: ``F_META`` and ``F_TAGS`` name them. An event without ``__time__``
    gets the time at which it is written.
    """
    for name in names_meant(event.names(), fields, regex):
        event.remove(name)


@e_drop_fields.at_load
def _check(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return bad_patterns(known, "fields")


@e_drop_fields.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.columns import fixed

    for name in names_meant(frame.names(), map(fixed, call.many("fields")), call.fixed("regex")):
        frame.remove(name)
    return frame
