"""e_rename"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from transforms.core.field_columns import TIME
from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, step
from transforms.rules.functions.fields._names import bad_patterns, names_meant
from transforms.rules.kinds import FieldName, Flag

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "fields",
    parameters={
        "pairs": "One or more pairs of a regular expression for the whole name of a field, and the field's new name.",
        "regex": "False takes the first of each pair as a field name, letter by letter.",
    },
    examples=[
        Example('e_rename("host", "client_host", "st.*", "code")', {"host": "h", "status": "200"}, {"client_host": "h", "code": "200"}),
        Example('e_rename("a", "b")', {"a": "1", "b": "2"}, {"a": "1", "b": "2"}, title="A name that is taken is not taken again"),
        Example('e_rename("a", "b", "b", "c")', {"a": "1"}, {"b": "1"}, title="Pairs are about the names before the step"),
        Example(
            'e_rename("x.*", "y")', {"x1": "1", "x2": "2"}, {"y": "1", "x2": "2"}, title="Several fields for one name: the first gets it"
        ),
        Example('e_rename("a.c", "n", regex=False)', {"abc": "1"}, {"abc": "1"}, title="Names as they are"),
        Example('e_rename("a", "__time__")', {"a": "noon"}, error="__time__ takes whole Unix seconds"),
        Example('e_rename("a")', {}, error="an odd number of arguments"),
    ],
    pairs=True,
)
def e_rename(event: Event, *pairs: FieldName, regex: Flag = True) -> None:
    """Gives fields other names.

    The renamed field comes last in the order of the fields. Nothing happens where the event has a field of the new name already.
    """
    moved: set[str] = set()
    for name, new in _moves(event.names(), pairs, regex):
        text = event.get(name)
        if text is not None and name not in moved and event.get(new) is None:
            event.write(new, text)
            event.remove(name)
            moved.add(name)


def _moves(names: Sequence[str], pairs: Sequence[str], regex: bool) -> Iterator[tuple[str, str]]:
    """Old and new names in the order in which they are tried."""
    for pattern, new in zip(pairs[::2], pairs[1::2], strict=True):
        for name in names_meant(names, [pattern], regex):
            yield name, new


@e_rename.at_load
def _check(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return bad_patterns(known, "pairs", every=2)


@e_rename.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.cells import NO_TEXT, only_where
    from transforms.rules.columns import fixed

    pairs = [fixed(part) for part in call.many("pairs")]
    if TIME in pairs[1::2]:
        raise Decline  # what is no event time fails
    names = frame.names()
    whole: set[str] = set()  # renamed in every event that has them
    some: dict[str, pl.Series] = {}  # renamed in these
    before: dict[str, pl.Series | None] = {}  # as they were before the step
    for name, new in _moves(names, pairs, call.fixed("regex")):
        if name in whole:
            continue
        if name not in before and frame.holds(name) and frame.column(new) is None:
            frame.move(name, new)
            whole.add(name)
            continue
        source = before.setdefault(name, frame.column(name))
        target = frame.column(new)
        if new in names:
            before.setdefault(new, target)
        if source is None:
            continue
        rows = source.is_not_null() if target is None else source.is_not_null() & target.is_null()
        if name in some:
            rows &= ~some[name]
        if rows.any():
            frame.set(new, source.zip_with(rows, NO_TEXT if target is None else target))
            current = frame.column(name)
            assert current is not None
            left = only_where(current, ~rows)
            some[name] = rows | some[name] if name in some else rows
            if left.null_count() == len(left):
                frame.remove(name)
            else:
                frame.set(name, left)
    return frame
