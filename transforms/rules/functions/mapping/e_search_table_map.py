"""e_search_table_map"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transforms.rules.derived import Derived
from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, step
from transforms.rules.functions.mapping._kinds import FieldPairs, defaults_of, missing_problems
from transforms.rules.functions.mapping._searching import Queries, joined
from transforms.rules.kinds import AnyValue, FieldName, Flag, Mode, TableValue, Text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame
    from transforms.rules.table import Table

_CITIES = 'tab_parse_csv("search,pop,province\\ncity==nj,800,js\\ncity==sh,2000,sh")'


@step(
    "mapping",
    parameters={
        "data": "The table.",
        "inpt": "The column with the queries; a cell ``*`` stands for events that no other row finds.",
        "output_fields": "The column whose cell is written to the field of its name; a pair (column, field); or a list of both.",
        "multi_match": "Whether all rows are tried; otherwise the first that finds the event counts alone.",
        "multi_join": "What stands between the cells of several rows.",
        "missing": "What to write when no row finds the event: one value for all fields, or a list with one for each.",
        "mode": "How a field is written that may be there already.",
    },
    examples=[
        Example(
            f'e_search_table_map({_CITIES}, "search", ["pop", "province"])',
            {"city": "sh"},
            {"city": "sh", "pop": "2000", "province": "sh"},
        ),
        Example(
            'e_search_table_map(tab_parse_csv("q,tag\\nerror,e\\nf: 1,one\\n*,none"), "q", [("tag", "tags")], multi_match=True, multi_join=",")',
            {"f": "1 error"},
            {"f": "1 error", "tags": "e,one"},
            title="All rows that match",
        ),
        Example(f'e_search_table_map({_CITIES}, "search", "pop", missing="?")', {"city": "bj"}, {"city": "bj", "pop": "?"}),
        Example(
            'e_search_table_map(tab_parse_csv("q,tag\\na: 1,"), "q", "tag", missing="?")',
            {"a": "1"},
            {"a": "1"},
            title="An empty cell is a hit, and the default mode writes no empty value",
        ),
        Example(f'e_search_table_map({_CITIES}, "search", "size")', {"city": "sh"}, error="output field size doesn't exist"),
        Example('e_search_table_map(tab_parse_csv("q,b\\n(a,x"), "q", "b")', {"a": "1"}, error="this bracket is not closed"),
    ],
)
def e_search_table_map(
    event: Event,
    data: TableValue,
    inpt: FieldName,
    output_fields: FieldPairs,
    multi_match: Flag = False,
    multi_join: Text = " ",
    missing: AnyValue = None,
    mode: Mode = "fill-auto",
) -> None:
    """Tries the queries in a table's column on an event and writes cells of the row that finds it.

    Queries are as ``e_search`` takes them and are tried in the order of the rows; rows without a query are skipped. With ``multi_match``
    the cells of all rows that find the event are joined, column by column. A row whose query is ``*`` is for events that no other row
    finds, and comes before ``missing``.
    """
    queries = _queries(data, data.named(inpt, "input field"))
    cells = [data.named(column, "output field") for column, _ in output_fields]
    defaults = defaults_of(missing, len(output_fields))
    hits = queries.hits(event.fields, multi_match)
    for (_, target), column, default in zip(output_fields, cells, defaults, strict=True):
        if not hits:
            event.write(target, default, mode)
        elif multi_match:
            event.write(target, joined((data.cell(row, column) for row in hits), multi_join), mode)
        else:
            event.write(target, data.cell(hits[0], column), mode)


@e_search_table_map.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    return missing_problems(known)


_QUERIES: Derived[dict[str, Queries]] = Derived(lambda _: {})


def _queries(table: Table, column: str) -> Queries:
    """The queries of a column, read once for each table."""
    kept = _QUERIES.of(table)
    if column not in kept:
        texts = table.column(column)
        assert texts is not None
        kept[column] = Queries(texts.to_list())
    return kept[column]


@e_search_table_map.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.cells import only_where
    from transforms.rules.columns import Fixed, stored
    from transforms.rules.writes import write

    table: Table = call.fixed("data")
    outputs, mode, multi_match = call.fixed("output_fields"), call.fixed("mode"), call.fixed("multi_match")
    try:
        queries = _queries(table, table.named(call.fixed("inpt"), "input field"))
        columns = [texts for column, _ in outputs if (texts := table.column(table.named(column, "output field"))) is not None]
        defaults = [stored(Fixed(value), frame.rows) for value in defaults_of(call.fixed("missing"), len(outputs))]
        if multi_match:
            found, hit = queries.joined(frame, columns, call.fixed("multi_join"))
        else:
            places = queries.first(frame)
            hit = places.is_not_null()
            found = [texts.gather(places) for texts in columns] if table.rows else defaults
    except (TypeError, ValueError, TimeoutError):
        raise Decline from None  # the scalar form says which events fail
    for (_, target), texts, default in zip(outputs, found, defaults, strict=True):
        write(
            frame,
            target,
            texts.zip_with(hit, only_where(default, ~hit)),
            mode,
            function="e_search_table_map",
            start=call.start,
            end=call.end,
        )
    return frame
