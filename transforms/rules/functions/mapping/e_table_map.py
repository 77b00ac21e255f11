"""e_table_map"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, step
from transforms.rules.functions.mapping._kinds import FieldPairs, defaults_of, missing_problems
from transforms.rules.kinds import AnyValue, Mode, TableValue

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame
    from transforms.rules.table import Table

_CITIES = 'tab_parse_csv("city,pop,province\\nnj,800,js\\nsh,2000,sh\\n*,0,other")'


@step(
    "mapping",
    parameters={
        "data": "The table.",
        "field": "The field that is looked up in the column of its name; a pair (field, column) where names differ; or a list of both.",
        "output_fields": "The column whose cell is written to the field of its name; a pair (column, field); or a list of both.",
        "missing": "What to write when no row fits: one value for all fields, or a list with one for each.",
        "mode": "How a field is written that may be there already.",
    },
    examples=[
        Example(
            f'e_table_map({_CITIES}, "city", ["province", "pop"])',
            {"city": "nj"},
            {"city": "nj", "province": "js", "pop": "800"},
        ),
        Example(
            f'e_table_map({_CITIES}, [("town", "city")], [("province", "state")])',
            {"town": "SH"},
            {"town": "SH", "state": "sh"},
            title="Fields and columns of different names",
        ),
        Example(f'e_table_map({_CITIES}, "city", "pop")', {"city": "bj"}, {"city": "bj", "pop": "0"}, title="A cell * fits any value"),
        Example(
            'e_table_map(tab_parse_csv("a,b\\n1,x"), "a", "b", missing="none")', {"a": "2"}, {"a": "2", "b": "none"}, title="No row fits"
        ),
        Example(
            'e_table_map(tab_parse_csv("a,b\\n1,x"), "a", "b", missing="none")', {"c": "2"}, {"c": "2"}, title="The field is not there"
        ),
        Example('e_table_map(tab_parse_csv("a,b\\n1,x"), "a", "c")', {"a": "1"}, error="output field c doesn't exist in lookup table"),
        Example('e_table_map("a,b\\n1,x", "a", "b")', {"a": "1"}, error="a table is needed"),
    ],
)
def e_table_map(
    event: Event, data: TableValue, field: FieldPairs, output_fields: FieldPairs, missing: AnyValue = None, mode: Mode = "fill-auto"
) -> None:
    """Looks values of fields up in a table and writes cells of the row that fits.

    The first row counts whose cells equal the values of all fields; a cell ``*`` equals anything. Whether letters' case matters is the
    table's business. If the event lacks one of the fields it stays as it is, and ``missing`` is not written either. A column that the
    table does not have fails the event.
    """
    keys = [data.named(column, "input field") for _, column in field]
    cells = [data.named(column, "output field") for column, _ in output_fields]
    defaults = defaults_of(missing, len(output_fields))
    values = [event.get(name) for name, _ in field]
    present = [value for value in values if value is not None]
    if len(present) < len(values):
        return
    row = data.first(keys, present)
    for (_, target), column, default in zip(output_fields, cells, defaults, strict=True):
        event.write(target, default if row is None else data.cell(row, column), mode)


@e_table_map.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    return missing_problems(known)


@e_table_map.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    import polars as pl

    from transforms.rules.cells import only_where
    from transforms.rules.columns import Fixed, frame_column, stored
    from transforms.rules.writes import write

    table: Table = call.fixed("data")
    fields, outputs, mode = call.fixed("field"), call.fixed("output_fields"), call.fixed("mode")
    try:
        keys = [table.named(column, "input field") for _, column in fields]
        cells = [table.named(column, "output field") for column, _ in outputs]
        defaults = [stored(Fixed(value), frame.rows) for value in defaults_of(call.fixed("missing"), len(outputs))]
        values = [frame_column(frame, name) for name, _ in fields]
        rows = table.find(keys, values)
    except (TypeError, ValueError):
        raise Decline from None  # the scalar form says what is wrong, event by event
    lost = rows.is_null()
    for value in values:
        lost = lost & value.is_not_null()
    for (_, target), column, default in zip(outputs, cells, defaults, strict=True):
        texts = table.column(column)
        assert texts is not None
        found = texts.gather(rows) if table.rows else pl.Series("", [None], pl.String).new_from_index(0, frame.rows)
        if default.null_count() < len(default):
            found = found.zip_with(~lost, only_where(default, lost))
        write(frame, target, found, mode, function="e_table_map", start=call.start, end=call.end)
    return frame
