"""Steps that take fields out of the text of a field: the part that they share.

Their scalar form is a pure function of the text; it runs once for each distinct text of a batch. Absent fields are skipped, what does
not match is a warning, and the pairs are written in their order by the step's mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from transforms.core.collector import without_collector
from transforms.rules.columns import Arguments, stored
from transforms.rules.event import Event, EventFailed, wins
from transforms.rules.frame import Failure, Frame
from transforms.rules.function import Decline, Function
from transforms.rules.values import stored_text
from transforms.rules.writes import write

__all__ = ["extract", "extract_columns"]

Pairs = Iterable[tuple[str, Any]]


def extract(function: Function, event: Event, values: dict[str, Any]) -> None:
    """For one event. Raises what the scalar form raises."""
    fields = values["field"]
    mode = values["mode"]
    for name in (fields,) if isinstance(fields, str) else fields:
        value = event.get(name)
        if value is None:
            continue
        pairs: Pairs | None = function.implementation(*_laid(function, value, name, values, event.journal.context))
        if pairs is None:
            event.warn(f"{function.name}: the field does not match")
            continue
        for target, text in pairs:
            event.write(target, text, mode)


def extract_columns(function: Function, frame: Frame, call: Arguments) -> Frame:
    """For a frame. Declines unless all arguments are the same for all events."""
    values: dict[str, Any] = {}
    for parameter in function.parameters:
        values[parameter.name] = call.fixed(parameter.name)
    fields = values["field"]
    mode = values["mode"]
    frame = frame.copy()
    for name in (fields,) if isinstance(fields, str) else fields:
        source = frame.column(name)
        if source is None or source.null_count() == len(source):
            continue
        written = _by_column(function, frame, source, name, values, call)
        if written is None:
            written = _by_value(function, frame, source, name, values, call)
        for target, series in written:
            write(frame, target, series, mode, function=function.name, start=call.start, end=call.end)
    return frame


def _by_column(
    function: Function, frame: Frame, source: pl.Series, name: str, values: dict[str, Any], call: Arguments
) -> Sequence[tuple[str, pl.Series]] | None:
    """The column form: ``columns(source, call, field_name) -> (pairs of name and texts, mask of matches)``; None if it declines.

    ``source`` has nulls for absent fields; the texts it gives have null where nothing is to be written. A third item may be a mask of
    texts that it left to the scalar form; their rows are null in what it gives.
    """
    if function.column_form is None:
        return None
    try:
        pairs, matched, *more = function.column_form(source, call, name)
    except Decline:
        return None
    absent = source.is_null()
    if more and more[0].any():
        left = more[0]
        rest = pl.select(pl.when(left).then(source)).to_series()
        pairs = [*pairs, *_by_value(function, frame, rest, name, values, call)]
        absent = absent | left
    missed = int((~absent & ~matched).sum())
    frame.state.warnings.add(call.start, call.end, f"{function.name}: the field does not match", missed)
    return list(pairs)


def _by_value(
    function: Function, frame: Frame, source: pl.Series, name: str, values: dict[str, Any], call: Arguments
) -> list[tuple[str, pl.Series]]:
    """The scalar form once for each distinct text; what it gives becomes columns."""
    memo: dict[str, dict[str, str] | EventFailed | None] = {}
    results: list[dict[str, str] | None] = []
    failures: dict[str, list[int]] = {}
    missed = 0
    one = _scalar(function, name, values, frame.state.context, call)
    pure = function.pure
    with without_collector():
        for row, text in enumerate(source.to_list()):
            if text is None:
                results.append(None)
                continue
            found = memo.get(text, _UNKNOWN) if pure else _UNKNOWN
            if found is _UNKNOWN:
                found = one(text)
                memo[text] = found
            if found is None:
                missed += 1
            elif isinstance(found, EventFailed):
                failures.setdefault(found.reason, []).append(row)
                found = None
            results.append(found)
        for reason, rows in failures.items():
            frame.fail(pl.Series("", rows, pl.UInt32), Failure(reason, call.start, call.end))
        frame.state.warnings.add(call.start, call.end, f"{function.name}: the field does not match", missed)
        given = memo.values() if pure else results
        names = dict.fromkeys(target for found in given if isinstance(found, dict) for target in found)
        return [(target, _texts([None if found is None else found.get(target) for found in results])) for target in names]


def _texts(values: list[str | None]) -> pl.Series:
    try:
        return pl.Series("", values, pl.String)
    except UnicodeEncodeError:  # half of a surrogate pair, from an escape in JSON text
        return stored(values, len(values))


_UNKNOWN: Any = object()


def _scalar(
    function: Function, name: str, values: dict[str, Any], context: Any, call: Arguments
) -> Callable[[str], dict[str, str] | EventFailed | None]:
    """The scalar form of one text: the fields that it holds; where a name comes twice, the one that the mode lets win."""
    implementation = function.implementation
    arguments = _laid(function, "", name, values, context)
    place = list(function.signature.parameters).index("value")
    mode = values["mode"]
    takes_empty = wins(mode, None, "")

    def one(text: str) -> dict[str, str] | EventFailed | None:
        arguments[place] = text
        try:
            pairs: Pairs | None = implementation(*arguments)
            if pairs is None:
                return None
            found: dict[str, str] = {}
            for target, value in pairs:
                stored_value = value if type(value) is str else stored_text(value)
                if stored_value is None:
                    continue
                if wins(mode, found[target], stored_value) if target in found else (stored_value or takes_empty):
                    found[target] = stored_value
            return found
        except EventFailed as failed:
            return failed
        except Exception as error:  # noqa: BLE001 - the reason is kept
            # Whatever a function cannot do with a text fails its events, with the reason, and no others.
            return EventFailed.of(function.name, error, call.start, call.end)

    return one


def _laid(function: Function, value: str, name: str, values: dict[str, Any], context: Any) -> list[Any]:
    arguments: list[Any] = []
    for parameter in function.signature.parameters:
        if parameter == "value":
            arguments.append(value)
        elif parameter == "field_name":
            arguments.append(name)
        elif parameter == "context":
            arguments.append(context)
        else:
            arguments.append(values[parameter.rstrip("_")])
    return arguments
