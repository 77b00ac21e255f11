"""e_search_dict_map"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transforms.rules.derived import Derived
from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, step
from transforms.rules.functions.mapping._kinds import TextKeys, query_problems
from transforms.rules.functions.mapping._searching import Queries, joined
from transforms.rules.kinds import AnyValue, FieldName, Flag, Mode, Text
from transforms.rules.values import stored_text

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame


@step(
    "mapping",
    parameters={
        "data": "A dictionary whose keys are queries; the key ``*`` stands for events that none of them finds.",
        "output_field": "The field that takes the value of the query that finds the event.",
        "multi_match": "Whether all queries are tried; otherwise the first that finds the event counts alone.",
        "multi_join": "What stands between the values of several queries.",
        "missing": "What to write when no query finds the event; without it nothing is written.",
        "mode": "How a field is written that may be there already.",
    },
    examples=[
        Example('e_search_dict_map({"pro==1": "TCP", "pro==2": "UDP"}, "protocol")', {"pro": "2"}, {"pro": "2", "protocol": "UDP"}),
        Example(
            'e_search_dict_map({"s: 2??": "ok", "s: 3??": "moved"}, "text", multi_match=True, multi_join=", ")',
            {"s": "200,301"},
            {"s": "200,301", "text": "ok, moved"},
            title="All that match",
        ),
        Example('e_search_dict_map({"a: 1": "x", "*": "y"}, "to", missing="z")', {"a": "2"}, {"a": "2", "to": "y"}, title="The default"),
        Example('e_search_dict_map({"a: 1": "x"}, "to", missing="z")', {"a": "2"}, {"a": "2", "to": "z"}),
        Example('e_search_dict_map({"a >": "x"}, "to")', {"a": "1"}, error="a value is missing after >"),
    ],
)
def e_search_dict_map(
    event: Event,
    data: TextKeys,
    output_field: FieldName,
    multi_match: Flag = False,
    multi_join: Text = " ",
    missing: AnyValue = None,
    mode: Mode = "overwrite",
) -> None:
    """Tries the queries of a dictionary on an event and writes the value of the one that finds it.

    Keys are queries as ``e_search`` takes them, tried in their order. With ``multi_match`` the values of all queries that find the event
    are joined. The key ``*`` is for events that no other key finds, and comes before ``missing``.
    """
    values = list(data.values())
    hits = Queries(list(data)).hits(event.fields, multi_match)
    if not hits:
        event.write(output_field, missing, mode)
    elif multi_match:
        event.write(output_field, joined((stored_text(values[place]) for place in hits), multi_join), mode)
    else:
        event.write(output_field, values[hits[0]], mode)


@e_search_dict_map.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    return query_problems(known)


_QUERIES: Derived[Queries] = Derived(lambda data: Queries(list(data)))


@e_search_dict_map.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    from transforms.rules.cells import only_where
    from transforms.rules.columns import stored
    from transforms.rules.writes import write

    data = call.fixed("data")
    output, mode, multi_match = call.fixed("output_field"), call.fixed("mode"), call.fixed("multi_match")
    queries = _QUERIES.of(data)
    try:
        texts = stored(list(data.values()), len(data))
        missing = stored(call.column("missing"), frame.rows)
        if multi_match:
            (found,), hit = queries.joined(frame, [texts], call.fixed("multi_join"))
        else:
            places = queries.first(frame)
            hit = places.is_not_null()
            found = texts.gather(places) if len(texts) else missing
    except (TypeError, ValueError, TimeoutError):
        raise Decline from None  # the scalar form says which events fail
    found = found.zip_with(hit, only_where(missing, ~hit))
    write(frame, output, found, mode, function="e_search_dict_map", start=call.start, end=call.end)
    return frame
