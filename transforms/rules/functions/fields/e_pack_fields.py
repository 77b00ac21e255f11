"""e_pack_fields"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from transforms.core.field_columns import TIME
from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.functions.fields._names import names_meant
from transforms.rules.kinds import FieldName, Flag, Regex

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "fields",
    parameters={
        "output_field": "The field that gets the JSON text.",
        "include": "A regular expression; fields whose whole name it matches are packed.",
        "exclude": "A regular expression; fields whose whole name it matches are not packed.",
        "drop_packed": "Whether the packed fields are taken out of the event.",
    },
    examples=[
        Example('e_pack_fields("all")', {"a": "1", "b": ""}, {"all": '{"a": "1", "b": ""}'}),
        Example(
            'e_pack_fields("x", include="x_.*", exclude=".*_tmp", drop_packed=False)',
            {"x_a": "ä", "x_tmp": "2", "y": "3"},
            {"x_a": "ä", "x_tmp": "2", "y": "3", "x": '{"x_a": "ä"}'},
            title="Some fields, which stay",
        ),
        Example('e_pack_fields("x", include="z.*")', {"a": "1"}, {"a": "1"}, title="Nothing to pack: nothing happens"),
        Example('e_pack_fields("x", include="(")', {}, error="invalid regular expression"),
    ],
    status="newer",
)
def e_pack_fields(
    event: Event,
    output_field: FieldName,
    include: Regex = ".*",  # type: ignore[assignment] # defaults are converted as constants are
    exclude: Regex | None = None,
    drop_packed: Flag = True,
) -> None:
    """Packs fields into one JSON object.

    The object has the fields in their order, all as text. ``__time__`` is never packed. A field named as ``output_field`` is packed
    like any other and then written over.
    """
    names = _packed(event.names(), include, exclude)
    if not names:
        return
    text = json.dumps({name: event.fields[name] for name in names}, ensure_ascii=False)
    if drop_packed:
        for name in names:
            event.remove(name)
    event.write(output_field, text)


def _packed(names: Sequence[str], include: Any, exclude: Any) -> list[str]:
    found = names_meant(names, [include.text], True)
    left_out = set() if exclude is None else set(names_meant(names, [exclude.text], True))
    return [name for name in found if name != TIME and name not in left_out]


@e_pack_fields.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.writes import write

    output_field = call.fixed("output_field")
    names = _packed(frame.names(), call.fixed("include"), call.fixed("exclude"))
    columns = [(name, column) for name in names if (column := frame.column(name)) is not None]
    if not columns:
        return frame
    packed = _objects(columns)
    if call.fixed("drop_packed"):
        for name, _ in columns:
            frame.remove(name)
    write(frame, output_field, packed, "overwrite", function="e_pack_fields", start=call.start, end=call.end)
    return frame


def _objects(columns: Sequence[tuple[str, pl.Series]]) -> pl.Series:
    """A JSON object for each row, null where all columns are."""
    import polars as pl

    from transforms.rules.cells import only_where

    parts: list[pl.Series] = []
    anything: pl.Series | None = None
    for name, column in columns:
        there = column.is_not_null()
        anything = there if anything is None else anything | there
        key = ", " + json.dumps(name, ensure_ascii=False) + ": "
        parts.append(pl.Series("", [key], pl.String) + _quoted(column))
    assert anything is not None
    members = pl.select(pl.concat_str([pl.lit(part) for part in parts], ignore_nulls=True)).to_series()
    objects = pl.Series("", ["{"], pl.String) + members.str.slice(2) + pl.Series("", ["}"], pl.String)
    return only_where(objects, anything)


def _quoted(column: pl.Series) -> pl.Series:
    """Texts as JSON writes them."""
    import polars as pl

    plain = column
    if column.str.contains(r'["\\\x00-\x1f]').any():
        plain = pl.Series(
            "", [None if text is None else json.dumps(text, ensure_ascii=False)[1:-1] for text in column.to_list()], pl.String
        )
    quote = pl.Series("", ['"'], pl.String)
    return quote + plain + quote
