"""e_split"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.functions.events._lines import Mark, OptionalMark, values_of_line
from transforms.rules.kinds import FieldName, Flag, Jmes
from transforms.rules.values import stored_text

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame

MOST_OF_ONE = 100_000
"""Events that one event may become in one step."""
MOST_OF_SOURCE = 1_000_000
"""Events that a source event may become."""


@step(
    "events",
    parameters={
        "field": "The field whose value is split.",
        "sep": "The separator, one character.",
        "quote": "The character around values that hold separators, doubled inside them; empty for none.",
        "lstrip": "Whether blanks at the beginning of a value are taken away.",
        "jmes": "A JMESPath; the value is then read as JSON, and what the path finds in it is split.",
        "output": "The field that gets the parts; without it the field that is split.",
    },
    examples=[
        Example('e_split("a")', {"a": "x, y", "b": "1"}, [{"a": "x", "b": "1"}, {"a": "y", "b": "1"}]),
        Example(
            'e_split("a")',
            {"a": '["x", {"k": 1}, null]'},
            [{"a": "x"}, {"a": '{"k": 1}'}, {"a": '["x", {"k": 1}, null]'}],
            title="A JSON array is split by its elements; null leaves the field as it is",
        ),
        Example(
            'e_split("a", sep="|", output="part")',
            {"a": '"x|y"|z'},
            [{"a": '"x|y"|z', "part": "x|y"}, {"a": '"x|y"|z', "part": "z"}],
            title="A separator inside quotes is none",
        ),
        Example('e_split("a", jmes="users[*].name")', {"a": '{"users": [{"name": "u"}, {"name": "v"}]}'}, [{"a": "u"}, {"a": "v"}]),
        Example('e_split("a")', {"a": ""}, {"a": ""}, title="Nothing to split: the event stays as it is"),
        Example('e_split("a", output="__time__")', {"a": "noon,1"}, error="__time__ takes whole Unix seconds"),
        Example('e_split("a", sep="--")', {}, error="one character is needed"),
    ],
)  # fmt: skip
def e_split(
    event: Event, field: FieldName, sep: Mark = ",", quote: OptionalMark = '"', lstrip: Flag = True, jmes: Jmes | None = None,
    output: FieldName | None = None,
) -> list[Event] | None:  # fmt: skip
    """Makes an event of each part of a field's value.

    A value that is a JSON array is split by its elements, any other is read as one line of values with separators. All other fields
    are the same in each of the events, which go through the later steps one by one. An event without the field stays as it is; so
    does one whose value has no parts, is no JSON where ``jmes`` is given, or in which the path finds neither a list nor text.
    """
    text = event.get(field)
    parts = None if text is None else _parts(text, sep, quote, lstrip, jmes)
    if not parts:
        return None
    event.journal.made += len(parts) - 1
    if event.journal.made >= MOST_OF_SOURCE:
        raise ValueError(TOO_MANY_OF_SOURCE)
    events: list[Event] = []
    for part in parts:
        copy = event.copy()
        copy.write(output or field, part)
        events.append(copy)
    return events


TOO_MANY_OF_SOURCE = f"a source event would become more than {MOST_OF_SOURCE:,} events"


def _parts(text: str, sep: str, quote: str | None, lstrip: bool, jmes: Any) -> list[str | None]:
    """The parts of a value as fields keep them; None leaves the field alone."""
    found: Any = text
    if jmes is not None:
        document = _document(text)
        try:
            found = None if document is _NO_JSON else jmes.search(document)
        except ValueError:  # a type error of the path, or a result without bounds: no result
            found = None
    elements: list[Any] = []
    if isinstance(found, str):
        listed = _document(found) if found.lstrip(" \t\r\n").startswith("[") else _NO_JSON
        elements = listed if isinstance(listed, list) else list(values_of_line(found, sep, quote, lstrip))
    elif isinstance(found, list):
        elements = found
    if len(elements) > MOST_OF_ONE:
        raise ValueError(f"the value has {len(elements):,} parts; at most {MOST_OF_ONE:,} are split")
    return [stored_text(element) for element in elements]


_NO_JSON = object()


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NO_JSON


@e_split.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    import polars as pl

    from transforms.rules.writes import write

    field, output = call.fixed("field"), call.fixed("output")
    sep, quote, lstrip, jmes = (call.fixed(name) for name in ("sep", "quote", "lstrip", "jmes"))
    source = frame.column(field)
    if source is None or source.null_count() == len(source):
        return frame
    lists = _lists(source, frame, (sep, quote, lstrip, jmes), call)
    counts = lists.list.len().fill_null(1)
    if counts.sum() >= MOST_OF_SOURCE:
        kept = _within_bounds(frame, counts, call)
        frame, lists, counts = frame.select(kept), lists.filter(kept), counts.filter(kept)
    rows = pl.int_range(frame.rows, dtype=pl.UInt32, eager=True)
    exploded = pl.DataFrame({"row": rows, "part": lists}).explode("part")
    if len(exploded) != frame.rows:
        frame = frame.select(exploded.get_column("row"))
    write(frame, output or field, exploded.get_column("part"), "overwrite", function="e_split", start=call.start, end=call.end)
    return frame


def _lists(source: pl.Series, frame: Frame, options: tuple[str, str | None, bool, Any], call: Arguments) -> pl.Series:
    """The parts of each value; null, or a null in a list, leaves the field of that event alone. Values that cannot be split fail."""
    import polars as pl

    from transforms.rules.cells import row_numbers, taken

    sep, quote, lstrip, jmes = options
    if jmes is not None:
        return _special(source, options, frame, call, None)
    marks = "".join(rf"\x{{{ord(mark):x}}}" for mark in (quote or "", "[") if mark)
    stripped = lstrip and sep != " "
    special = (source.str.len_bytes() == 0).fill_null(False)
    blanks = False
    if source.str.contains(f"[{marks} ]").any():
        special |= source.str.contains(f"[{marks}]").fill_null(False)
        blanks = stripped
    lists = source.str.split(sep)
    special |= (lists.list.len() > MOST_OF_ONE).fill_null(False)
    if blanks:
        lists = lists.list.eval(pl.element().str.strip_chars_start(" "))
    if not special.any():
        return lists
    rows = row_numbers(special)
    others = _special(taken(source, rows), options, frame, call, rows)
    places = pl.int_range(len(source), dtype=pl.UInt32, eager=True)
    places = places.scatter(rows, pl.int_range(len(source), len(source) + len(rows), dtype=pl.UInt32, eager=True))
    return taken(pl.concat([lists, others]), places)


def _special(
    source: pl.Series, options: tuple[str, str | None, bool, Any], frame: Frame, call: Arguments, rows: pl.Series | None
) -> pl.Series:
    """As `_lists`, by the scalar form once for each distinct value; ``rows``: the numbers of the rows in the frame, None: all in order."""
    import polars as pl

    from transforms.rules.columns import encodable
    from transforms.rules.event import EventFailed
    from transforms.rules.frame import Failure

    known: dict[str, list[str | None] | ValueError] = {}
    lists: list[list[str | None] | None] = []
    for place, text in enumerate(source.to_list()):
        if text is None:
            lists.append(None)
            continue
        if text not in known:
            try:
                known[text] = [encodable(part) for part in _parts(text, *options)] or [None]
            except ValueError as error:
                known[text] = error
        found = known[text]
        if isinstance(found, ValueError):
            failed = EventFailed.of("e_split", found, call.start, call.end)
            row = place if rows is None else rows[place]
            frame.fail(pl.Series("", [row], pl.UInt32), Failure(failed.reason, failed.start, failed.end))
            found = [None]
        lists.append(found)
    return pl.Series("", lists, pl.List(pl.String))


def _within_bounds(frame: Frame, counts: pl.Series, call: Arguments) -> pl.Series:
    """Mask of the events that may be split; source events that would become too many fail."""
    import polars as pl

    from transforms.rules.event import EventFailed
    from transforms.rules.frame import Failure

    sums = pl.DataFrame({"origin": frame.origin, "events": counts.cast(pl.Int64)})
    too_many = sums.select(pl.col("events").sum().over("origin") > MOST_OF_SOURCE).to_series()
    if too_many.any():
        failed = EventFailed.of("e_split", TOO_MANY_OF_SOURCE, call.start, call.end)
        frame.fail(too_many, Failure(failed.reason, failed.start, failed.end))
    return ~too_many
