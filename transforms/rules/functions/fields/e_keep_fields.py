"""e_keep_fields"""

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
        Example('e_keep_fields("a", "b.*")', {"a": "1", "b1": "2", "c": "3"}, {"a": "1", "b1": "2"}),
        Example(
            'e_keep_fields(F_TIME, F_META, "a")',
            {"__time__": "1600000000", "__topic__": "t", "__tag__:host": "h", "a": "1", "b": "2"},
            {"__time__": "1600000000", "__topic__": "t", "__tag__:host": "h", "a": "1"},
            title="Time, topic, source and tags go too unless they are listed",
        ),
        Example('e_keep_fields("a.c", regex=False)', {"a.c": "1", "abc": "2"}, {"a.c": "1"}, title="Names as they are"),
        Example('e_keep_fields("[")', {}, error="invalid regular expression"),
        Example("e_keep_fields()", {}, error="needs at least one argument"),
    ],
)
def e_keep_fields(event: Event, *fields: FieldName, regex: Flag = True) -> None:
    """Takes all other fields out of the event.

    Topic, source, tags and the event time are fields as well: list ``F_META`` and ``F_TIME`` to keep them. An event without
    ``__time__`` gets the time at which it is written.
    """
    names = event.names()
    kept = set(names_meant(names, fields, regex))
    for name in names:
        if name not in kept:
            event.remove(name)


@e_keep_fields.at_load
def _check(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return bad_patterns(known, "fields")


@e_keep_fields.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.columns import fixed

    names = frame.names()
    kept = set(names_meant(names, map(fixed, call.many("fields")), call.fixed("regex")))
    for name in names:
        if name not in kept:
            frame.remove(name)
    return frame
