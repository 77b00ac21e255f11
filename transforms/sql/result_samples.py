"""The rows of a result as samples of metrics: each row gives a sample for each of its metrics, columns at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from transforms.core.errors import ParameterInvalid, QueryFailed
from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.log_group import LogGroup
from transforms.core.suggest import suggestion
from transforms.sql.result_logs import slices_of
from transforms.sql.value_texts import texts_of
from transforms.stores.index import DOUBLE_TEXT
from transforms.stores.metricstore import LABELS, NAME, PAIR, SEPARATOR, TIME_NANO, VALUE, is_label_key, is_metric_name, nanoseconds
from transforms.stores.samples import NANOS, seconds_and_nanos, to_nanoseconds
from transforms.stores.shard import Shard, shard_of_key

__all__ = ["SampleBatch", "SampleForm", "samples_of_rows"]

_PLACE = "shard"
_MOST = 2**63 - 1


@dataclass(frozen=True)
class SampleForm:
    """How rows become samples.

    Attributes:
        metric_keys: columns with numbers; each is the name of a metric.
        label_keys: columns that become labels; NULL means that the sample does not have the label.
        hash_labels: columns or constant labels that choose the shard.
        add_labels: constant labels; they win over columns of the same name.
        time_key: the column with the time: Unix time in s, ms, µs or ns, whose digits tell the unit, or a timestamp with a zone; empty:
            ``default_seconds``.
        default_seconds: the time of samples without ``time_key``.
        constants: fields that every sample gets (tags).

    Raises ParameterInvalid without a metric, and for a metric or a label that cannot be called so.
    """

    metric_keys: Sequence[str]
    default_seconds: int
    label_keys: Sequence[str] = ()
    hash_labels: Sequence[str] = ()
    add_labels: Mapping[str, str] = field(default_factory=dict)
    time_key: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.metric_keys:
            raise ParameterInvalid("no column is named that holds a metric", hint="name at least one numeric column of the result")
        for name in self.metric_keys:
            if not is_metric_name(name):
                raise ParameterInvalid(f"{name[:60]!r} is no name of a metric", hint="letters, digits, _ and :, not a digit first")
        for key in (*self.label_keys, *self.add_labels):
            if not is_label_key(key):
                raise ParameterInvalid(f"{key[:60]!r} is no key of a label", hint="letters, digits and _, not a digit first")
        for key, value in self.add_labels.items():
            if SEPARATOR in value:
                raise ParameterInvalid(f"the label {key!r} has a | in its value", hint="a label's value has none: it separates labels")


@dataclass(frozen=True)
class SampleBatch:
    """Some samples of one shard (None: any), and how many of the rows' values became none because they were no numbers."""

    shard: int | None
    group: LogGroup
    skipped: int


def samples_of_rows(table: Any, form: SampleForm, shards: tuple[Shard, ...] = ()) -> Iterator[SampleBatch]:
    """The samples of an Arrow table in batches of bounded size.

    A value that is NULL, no number or not finite gives no sample and is counted; text counts as the number it spells. With
    ``hash_labels``, rows with the same texts there go to the same one of ``shards``. Raises ParameterInvalid for a column that the
    result does not have, QueryFailed for a row without a time and for a label's value with ``|``, which would read as two labels.
    """
    _check_columns(table.column_names, form)
    before = 0
    for part in slices_of(table):
        yield from _samples(part, form, shards, before)
        before += part.num_rows


def _check_columns(names: Sequence[str], form: SampleForm) -> None:
    constant = set(form.add_labels)
    labels = [key for key in form.label_keys if key not in constant]
    hashed = [key for key in form.hash_labels if key not in constant]
    for key in (*form.metric_keys, *labels, *hashed, *([form.time_key] if form.time_key else ())):
        if key not in names:
            raise ParameterInvalid(f"the result has no column {key!r}", hint=suggestion(key, names, "column"), code="ColumnNotExist")
        if list(names).count(key) > 1:
            raise ParameterInvalid(f"the result has the column {key!r} twice", hint="give one of them another name: … as NAME")


def _samples(table: Any, form: SampleForm, shards: tuple[Shard, ...], before: int) -> Iterator[SampleBatch]:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = table.num_rows
    texts = {key: pa.repeat(pa.scalar(text, pa.string()), rows) for key, text in form.add_labels.items()}
    texts |= {key: texts_of(table[key]) for key in {*form.label_keys, *form.hash_labels} - set(texts)}
    for key in form.label_keys:
        _check_label(key, texts[key], before)
    columns = {
        LABELS: _joined({key: texts[key] for key in (*form.label_keys, *form.add_labels)}, rows),
        TIME_NANO: _times(form, table, before),
    }
    if form.hash_labels and shards:
        columns[_PLACE] = _shards_of(_joined({key: texts[key] for key in form.hash_labels}, rows), shards)
    parts = []
    for name in form.metric_keys:
        part = pa.table({**columns, VALUE: _numbers(table[name])})
        part = part.filter(pc.is_valid(part[VALUE]))
        parts.append(part.append_column(NAME, pa.repeat(pa.scalar(name, pa.string()), part.num_rows)))
    samples = pa.concat_tables(parts)
    skipped = rows * len(parts) - samples.num_rows
    for shard in (pc.unique(samples[_PLACE]).to_pylist() if _PLACE in columns else []) or [None]:
        chosen = samples if shard is None else samples.filter(pc.equal(samples[_PLACE], shard))
        yield SampleBatch(shard, _logs(chosen, form.constants), skipped)
        skipped = 0


def _logs(samples: Any, constants: Mapping[str, str]) -> LogGroup:
    import pyarrow as pa

    seconds, rest = seconds_and_nanos(samples[TIME_NANO])
    texts = {name: texts_of(samples[name]) for name in (NAME, LABELS, TIME_NANO, VALUE)}
    texts |= {name: pa.repeat(pa.scalar(text, pa.string()), samples.num_rows) for name, text in constants.items()}
    return LogGroup(pa.table({TIME: seconds, TIME_NS: rest, **{column_of(name): column for name, column in texts.items()}}))


def _joined(texts: Mapping[str, Any], rows: int) -> Any:
    """``key#$#value|…`` of each row, keys in order, without those that are NULL there."""
    import polars as pl
    import pyarrow as pa

    if not texts:
        return pa.repeat(pa.scalar("", pa.string()), rows)
    # Not Arrow's binary_join_element_wise: told to skip nulls, it loses the rows that have nothing else.
    pairs = [pl.lit(f"{key}{PAIR}") + pl.Series(pl.from_arrow(texts[key])) for key in sorted(texts)]
    joined = pl.select(pl.concat_str(pairs, separator=SEPARATOR, ignore_nulls=True)).to_series()
    return joined.to_arrow().cast(pa.string())


def _check_label(key: str, texts: Any, before: int) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    row = pc.index(pc.match_substring(texts, SEPARATOR), pa.scalar(True)).as_py()
    if row >= 0:
        raise QueryFailed(
            f"row {before + row + 1} cannot become a sample: the label {key!r} has a | in its value {texts[row].as_py()[:60]!r}, which "
            "separates labels",
            hint=f"replace it in the statement: replace({key}, '|', '/') as {key}",
            code="MetricLabelInvalid",
        )


def _numbers(column: Any) -> Any:
    """The finite numbers of a column as doubles; all else is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        number = pc.match_substring_regex(column, DOUBLE_TEXT)
        values = pc.utf8_ltrim(pc.if_else(number, column, pa.scalar(None, kind)), "+").cast(pa.float64())
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = column.cast(pa.float64(), safe=False)
    else:
        return pa.nulls(len(column), pa.float64())
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))


def _times(form: SampleForm, table: Any, before: int) -> Any:
    """The time of each row, nanoseconds as int64."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not form.time_key:
        return pa.repeat(pa.scalar(form.default_seconds * NANOS, pa.int64()), table.num_rows)
    column = table[form.time_key].combine_chunks()
    kind = column.type
    if column.null_count:
        raise _no_time(form, column, pc.is_null(column), before)
    if pa.types.is_integer(kind):
        nanos, beyond = to_nanoseconds(column.cast(pa.int64()))
        if pc.any(beyond).as_py():
            raise _no_time(form, column, beyond, before)
        return nanos
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_string(kind):
        encoded = column.dictionary_encode()
        distinct = pa.array([_nanoseconds_of(value) for value in encoded.dictionary.to_pylist()], pa.int64())
        nanos = distinct.take(encoded.indices)
        if nanos.null_count:
            raise _no_time(form, column, pc.is_null(nanos), before)
        return nanos
    raise QueryFailed(
        f"the column {form.time_key!r} has the times of the samples and must be Unix time; it is a {kind}", hint="use to_unixtime(…)"
    )


def _nanoseconds_of(value: Any) -> int | None:
    try:
        nanos = nanoseconds(value if isinstance(value, str | float) else f"{value:f}")
    except ValueError:
        return None
    return nanos if abs(nanos) <= _MOST else None


def _no_time(form: SampleForm, column: Any, which: Any, before: int) -> QueryFailed:
    import pyarrow as pa
    import pyarrow.compute as pc

    row = pc.index(which, pa.scalar(True)).as_py()
    shown = column[row].as_py()
    return QueryFailed(
        f"row {before + row + 1} cannot become a sample: the column {form.time_key!r} must be Unix time and is "
        f"{'NULL' if shown is None else repr(shown)[:60]}",
        hint="use __time__ or to_unixtime(…); coalesce(…) gives rows without a time one",
        code="MetricTimeInvalid",
    )


def _shards_of(keys: Any, shards: tuple[Shard, ...]) -> Any:
    import pyarrow as pa

    encoded = keys.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    places = [shard_of_key(shards, key).id for key in encoded.dictionary.to_pylist()]
    return pa.array(places, pa.int32()).take(encoded.indices)
