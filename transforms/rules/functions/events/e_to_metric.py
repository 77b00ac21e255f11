"""e_to_metric"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from transforms.core.field_columns import TIME
from transforms.rules.event import Event
from transforms.rules.function import Decline, Example, step
from transforms.rules.functions.events._metrics import LabelPairs, MetricPairs, Precision, number_text
from transforms.rules.kinds import AnyValue, Flag
from transforms.stores.metricstore import LABELS, NAME, PAIR, SEPARATOR, TIME_NANO, VALUE, encode_labels, is_time, nanoseconds

if TYPE_CHECKING:
    import polars as pl

    from transforms.rules.columns import Arguments, Column
    from transforms.rules.frame import Frame


@step(
    "events",
    parameters={
        "names": "The fields with the numbers: a name, a list of names, or a list of pairs (field, name of the metric).",
        "labels": "The fields that become labels, in the same forms; without it there are none.",
        "time_field": "The field with the time, or the time itself as a number.",
        "time_precision": "The unit of that time: s, ms, us or ns; without it the number of digits says (10, 13, 16 or 19 of them).",
        "ignore_none_names": "Whether fields that the event lacks are passed over; otherwise the event fails.",
        "ignore_none_labels": "Whether labels that the event lacks are left out; otherwise the event fails.",
    },
    examples=[
        Example(
            'e_to_metric("rt", labels="host")',
            {"__time__": "1614739608", "rt": "123", "host": "h1"},
            {"__labels__": "host#$#h1", "__name__": "rt", "__time_nano__": "1614739608000000000", "__value__": "123.0"},
        ),
        Example(
            'e_to_metric([("rt", "max_rt"), "qps"], labels=["zone", ("host", "at")], time=v("t"))',
            {"t": "1614739608.5", "rt": "1.5", "qps": "2", "host": "h1", "zone": "z"},
            [
                {"__labels__": "at#$#h1|zone#$#z", "__name__": "max_rt", "__time_nano__": "1614739608500000000", "__value__": "1.5"},
                {"__labels__": "at#$#h1|zone#$#z", "__name__": "qps", "__time_nano__": "1614739608500000000", "__value__": "2.0"},
            ],
            title="An event for each number",
        ),
        Example('e_to_metric("rt", time_field="ms", time_precision="ms")', {"ms": "7", "rt": "1"},
                {"__labels__": "", "__name__": "rt", "__time_nano__": "7000000", "__value__": "1.0"}),
        Example('e_to_metric("rt")', {"a": "1"}, {"a": "1"}, title="Without a number the event stays as it is"),
        Example('e_to_metric("rt")', {"__time__": "1614739608", "rt": "fast"}, error="could not convert string to float"),
        Example('e_to_metric("rt")', {"__time__": "1614739608", "rt": "inf"}, error="the value of a sample is a finite number"),
        Example('e_to_metric("rt", labels="host")', {"__time__": "1614739608", "rt": "1", "host": "a|b"},
                error="the label 'host' has a | in its value"),
        Example('e_to_metric("rt", ignore_none_names=false)', {"__time__": "1614739608"}, error="the event has no field 'rt'"),
        Example('e_to_metric("rt")', {"rt": "1"}, error="the event has no field '__time__'"),
    ],
    aliases={"time": "time_field"},
)  # fmt: skip
def e_to_metric(
    event: Event, names: MetricPairs, labels: LabelPairs | None = None, time_field: AnyValue = TIME, time_precision: Precision | None = None,
    ignore_none_names: Flag = True, ignore_none_labels: Flag = True,
) -> list[Event] | None:  # fmt: skip
    """Turns the event into samples of metrics.

    Each number becomes an event of four fields: ``__name__``, ``__value__``, ``__time_nano__`` and ``__labels__``, which holds
    ``key#$#value`` pairs in the order of their keys with ``|`` between. All other fields are gone. A Metricstore takes such
    events as they are. ``time`` is another name for ``time_field``.
    """
    found = [(name, text) for field, name in names if (text := _field(event, field, ignore_none_names)) is not None]
    if not found:
        return None
    pairs = [(name, text) for field, name in labels or () if (text := _field(event, field, ignore_none_labels)) is not None]
    shared = {LABELS: encode_labels(pairs), TIME_NANO: str(nanoseconds(_time(event, time_field), time_precision))}
    kept = {name: text for name, text in event.fields.items() if name in event.derived and name not in event.changed}
    samples: list[Event] = []
    for name, text in found:
        sample = event.copy()
        sample.replace({**shared, NAME: name, VALUE: number_text(text)}.items())
        sample.fields.update(kept)
        sample.changed.difference_update(kept)
        samples.append(sample)
    return samples


def _field(event: Event, field: str, ignore_missing: bool) -> str | None:
    text = event.get(field)
    if text is None and not ignore_missing:
        raise ValueError(f"the event has no field {field!r}")
    return text


def _time(event: Event, time_field: Any) -> str | int | float:
    if time_field is None:
        time_field = TIME
    if not isinstance(time_field, str):
        return time_field  # type: ignore[no-any-return]
    text = event.get(time_field)
    if text is None and is_time(time_field):
        return time_field
    if text is None:
        raise ValueError(f"the event has no field {time_field!r}")
    return text


@e_to_metric.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    names, labels = call.fixed("names"), call.fixed("labels") or ()
    if not (call.fixed("ignore_none_names") and call.fixed("ignore_none_labels")) or len({name for _, name in labels}) != len(labels):
        raise Decline  # the scalar form says which events fail, and which label counts
    given = [(name, column) for field, name in names if (column := frame.column(field)) is not None]
    measured: pl.Series | None = None
    for _, column in given:
        measured = column.is_not_null() if measured is None else measured | column.is_not_null()
    if measured is None or not measured.any():
        return frame
    times = _times(frame, call.column("time_field"), measured)
    branch = frame.branch(measured)
    return frame.merge(measured, _samples(branch, names, labels, times, call.fixed("time_precision")))


def _times(frame: Frame, given: Column, measured: pl.Series) -> pl.Series:
    """The time of each measured event as text."""
    import polars as pl

    from transforms.rules.columns import Fixed

    if not isinstance(given, Fixed):
        raise Decline
    field = TIME if given.value is None else given.value
    column = frame.column(field) if isinstance(field, str) else None
    if column is None:
        if isinstance(field, str) and not is_time(field):
            raise Decline  # every event fails
        if isinstance(field, bool) or not (isinstance(field, str | int) or is_time(repr(field))):
            raise Decline
        return pl.Series("", [str(field)], pl.String).new_from_index(0, int(measured.sum()))
    times = column.filter(measured)
    if times.null_count():
        raise Decline
    return times


def _samples(branch: Frame, names: Any, labels: Any, times: pl.Series, precision: str | None) -> Frame:
    """The samples of events of which each has a number."""
    import numpy as np
    import polars as pl

    from transforms.rules.cells import row_numbers, taken

    rows, numbers, which = [], [], []
    for place, (field, _) in enumerate(names):
        column = branch.column(field)
        if column is not None:
            there = column.is_not_null()
            rows.append(row_numbers(there))
            numbers.append(column.filter(there).alias(""))
            which.append(pl.Series("", [place], pl.UInt32).new_from_index(0, len(rows[-1])))
    order = pl.Series("", np.argsort(pl.concat(rows).to_numpy(), kind="stable").astype(np.uint32))
    index = taken(pl.concat(rows), order)
    try:
        values = _by_distinct(taken(pl.concat(numbers), order), number_text)
        stamps = taken(_by_distinct(times, lambda text: str(nanoseconds(text, precision))), index)
    except ValueError:
        raise Decline from None  # the scalar form says which events fail
    texts = taken(_labels(branch, labels), index)
    metric = taken(pl.Series("", [name for _, name in names], pl.String), taken(pl.concat(which), order))
    samples = branch.select(index)
    for name in samples.names():
        if samples.holds(name):
            samples.remove(name)
    samples.set(LABELS, texts)
    samples.set(TIME_NANO, stamps)
    samples.set(NAME, metric)
    samples.set(VALUE, values)
    return samples


def _labels(branch: Frame, labels: Any) -> pl.Series:
    import polars as pl

    given = [(name, column) for field, name in sorted(labels, key=lambda pair: pair[1]) if (column := branch.column(field)) is not None]
    if any(column.str.contains(SEPARATOR, literal=True).any() for _, column in given):
        raise Decline  # the scalar form says which events fail
    parts = [pl.lit(pl.Series("", [f"{name}{PAIR}"], pl.String) + column) for name, column in given]
    if not parts:
        return pl.Series("", [""], pl.String).new_from_index(0, branch.rows)
    return pl.select(pl.concat_str(parts, separator=SEPARATOR, ignore_nulls=True)).to_series()


def _by_distinct(texts: pl.Series, convert: Callable[[str], str]) -> pl.Series:
    import polars as pl

    known: dict[str, str] = {}
    results: list[str] = []
    for text in texts.to_list():
        result = known.get(text)
        if result is None:
            result = known[text] = convert(text)
        results.append(result)
    return pl.Series("", results, pl.String)
