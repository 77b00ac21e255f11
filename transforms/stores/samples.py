"""The door of a Metricstore: logs are taken if they are samples, in the form that `transforms.stores.metricstore` says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import SOURCE, TAG_PREFIX, TIME, TIME_NS, TOPIC, column_of, field_of, is_field_column
from transforms.core.log_group import LogGroup
from transforms.stores.index import DOUBLE_TEXT
from transforms.stores.metricstore import LABELS, NAME, SAMPLE_FIELDS, TIME_NANO, UNITS, VALUE, decode_labels, encode_labels, is_metric_name

__all__ = ["NANOS", "as_samples", "seconds_and_nanos", "taken_by", "to_nanoseconds"]

NANOS = 1_000_000_000
_MOST = 2**63 - 1
_WHOLE = r"^-?[0-9]{1,19}$"
_HINT = "a Metricstore keeps samples: __name__, __labels__ (k1#$#v1|k2#$#v2), __time_nano__, __value__, and tags beside them"


def taken_by(store: str, groups: Iterable[LogGroup]) -> Iterator[LogGroup]:
    """Groups as the Metricstore keeps them; errors as `as_samples`."""
    return (as_samples(group, store) for group in groups)


def as_samples(group: LogGroup, store: str) -> LogGroup:
    """The group with times in nanoseconds, which become the event times, and labels in the order of their keys.

    Raises ParameterInvalid for the first log that is no sample, with its number, its field and ``store``: nothing is written then.
    """
    table = group.compacted().table
    if not table.num_rows:
        return group
    for column in [name for name in table.column_names if is_field_column(name)]:
        field = field_of(column)
        if field in SAMPLE_FIELDS or field in (TOPIC, SOURCE) or field.startswith(TAG_PREFIX):
            continue
        values = table[column]
        if values.null_count < len(values):
            raise _refused(store, pc.is_valid(values), f"has the field {field!r}, which no sample has", table)
        table = table.drop_columns([column])
    for field in SAMPLE_FIELDS:
        values = table[column_of(field)] if column_of(field) in table.column_names else pa.nulls(table.num_rows, pa.string())
        if values.null_count:
            raise _refused(store, pc.is_null(values), f"has no field {field}", table)
    names, labels = table[column_of(NAME)], table[column_of(LABELS)]
    _by_distinct(store, NAME, names, _metric_name)
    ordered = _by_distinct(store, LABELS, labels, lambda text: encode_labels(decode_labels(text)))
    nanos = _nanoseconds(store, table[column_of(TIME_NANO)])
    _check_values(store, table[column_of(VALUE)])
    seconds, rest = seconds_and_nanos(nanos)
    columns = {name: table[name] for name in table.column_names}
    columns |= {
        column_of(LABELS): ordered,
        column_of(TIME_NANO): nanos.cast(pa.string()),
        TIME: seconds,
        TIME_NS: rest,
    }
    return LogGroup(pa.table(columns))


def to_nanoseconds(times: Any) -> tuple[Any, Any]:
    """Whole times (Arrow int64, no nulls) whose digits tell the unit, as nanoseconds, and which of them are beyond what 64 bits hold."""
    size = pc.abs(times)
    unit = pa.scalar(UNITS["ns"], pa.int64())
    most = pa.scalar(_MOST, pa.int64())
    for digits, name in ((18, "us"), (15, "ms"), (12, "s")):
        smaller = pc.less(size, 10 ** (digits - 1))
        unit = pc.if_else(smaller, UNITS[name], unit)
        most = pc.if_else(smaller, _MOST // UNITS[name], most)
    beyond = pc.or_(pc.greater(size, most), pc.less(size, 0))  # of -2**63 there is no absolute value
    return pc.multiply(pc.if_else(beyond, 0, times), unit), beyond


def seconds_and_nanos(nanos: Any) -> tuple[Any, Any]:
    """Nanoseconds (Arrow int64) as the two columns of an event time: whole seconds, and 0 to 999,999,999 nanoseconds."""
    seconds = pc.divide(nanos, NANOS)
    rest = pc.subtract(nanos, pc.multiply(seconds, NANOS))
    before = pc.less(rest, 0)
    return (
        pc.subtract(seconds, before.cast(pa.int64())),
        pc.if_else(before, pc.add(rest, NANOS), rest).cast(pa.int32()),
    )


def _nanoseconds(store: str, texts: Any) -> Any:
    whole = pc.match_substring_regex(texts, _WHOLE)
    if not pc.all(whole).as_py():
        raise _refused(store, pc.invert(whole), "has a __time_nano__ that is no whole number", texts)
    try:
        times = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        # 19 digits may be more than 64 bits hold: only then it is worth to look for the first that does not.
        large = [abs(int(text)) > _MOST for text in texts.to_pylist()]
        raise _refused(store, pa.array(large), "has a __time_nano__ that no time is", texts) from None
    nanos, beyond = to_nanoseconds(times)
    if pc.any(beyond).as_py():
        raise _refused(store, beyond, "has a __time_nano__ after the year 2262", texts)
    return nanos


def _check_values(store: str, texts: Any) -> None:
    number = pc.match_substring_regex(texts, DOUBLE_TEXT)
    if pc.all(number).as_py():
        number = pc.is_finite(pc.utf8_ltrim(texts, "+").cast(pa.float64()))
    if not pc.all(number).as_py():
        raise _refused(store, pc.invert(number), "has a __value__ that is no finite number", texts)


def _metric_name(text: str) -> str:
    if not is_metric_name(text):
        raise ValueError(f"{text[:60]!r} is no name of a metric: letters, digits, _ and :, not a digit first")
    return text


def _by_distinct(store: str, field: str, texts: Any, convert: Callable[[str], str]) -> Any:
    """The texts converted; each different one is looked at once."""
    encoded = texts.combine_chunks().dictionary_encode() if isinstance(texts, pa.ChunkedArray) else texts.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    distinct = encoded.dictionary.to_pylist()
    converted = []
    for text in distinct:
        try:
            converted.append(convert(text))
        except ValueError as error:
            raise _refused(store, pc.equal(texts, text), f"has a {field} that no sample has: {error}") from None
    return texts if converted == distinct else pa.array(converted, pa.string()).take(encoded.indices)


def _refused(store: str, which: Any, what: str, shown: Any = None) -> ParameterInvalid:
    """The error for the first log of which ``which`` is true; ``shown``: the texts, or the table of logs, that it is shown from."""
    row = pc.index(which, pa.scalar(True)).as_py()
    if isinstance(shown, pa.Table):
        log = next(LogGroup(shown.slice(row, 1)).to_logs())
        what += f": {json.dumps(log, ensure_ascii=False)[:200]}"
    elif shown is not None:
        what += f": {shown[row].as_py()[:60]!r}"
    return ParameterInvalid(
        f"Metricstore {store!r} does not take log {row + 1} of a batch: it {what}", hint=_HINT, code="MetricSampleInvalid"
    )
