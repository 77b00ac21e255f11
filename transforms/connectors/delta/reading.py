"""Reading data files: exact rows of the intervals asked for, as bounded log groups.

Polars reads and its text columns are handed on without a copy (Arrow's ``string_view``). Such a column refers to whole pages of
the file, so a piece that holds on to much more than its own logs is copied into memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.connectors.delta.shaping import restore_overflow
from transforms.connectors.delta.storage import Storage
from transforms.core.errors import StoreUnavailable
from transforms.core.field_columns import FILE, ORIGIN, OVERFLOW, RECEIVE_TIME, TIME, TIME_NS, column_of, is_field_column
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import MAX_BYTES, MAX_ROWS, LogGroup, own_bytes
from transforms.stores.logstore import DataFile

__all__ = ["files_in", "in_64_bits", "origins_in", "present", "read_files", "receive_times_in", "row_groups", "with_receive_time"]

_SLACK = 64 * 1024
"""Bytes that a small group may hold on to beside its own."""


_FEW = 2_048
"""So few logs are read sooner than Polars has planned to."""


def read_files(
    storage: Storage,
    files: Iterable[DataFile],
    times: Interval = ALL_TIME,
    received: Interval = ALL_TIME,
    fields: Sequence[str] | None = None,
    *,
    part: int = 0,
    parts: int = 1,
) -> Iterator[LogGroup]:
    """The logs of files, file by file; of each only the row groups of one of ``parts`` shares. Raises StoreUnavailable when a file is gone."""
    times, received = in_64_bits(times), in_64_bits(received)
    for file in files:
        for frame in row_groups(storage, file, times, fields, part=part, parts=parts):
            chosen = _filtered(with_receive_time(frame, file), times, received)
            if not chosen.height:
                continue
            restored = restore_overflow(chosen, fields) if OVERFLOW in chosen.columns else (chosen,)
            yield from (group for whole in restored for group in _bounded(present(whole)))


def row_groups(
    storage: Storage, file: DataFile, times: Interval = ALL_TIME, fields: Sequence[str] | None = None, *,
    inner: bool = False, part: int = 0, parts: int = 1, rows: range | None = None,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """The stored columns of a file (no typed twins), one frame for each row group that may hold ``times``, of some ``rows`` when given.

    ``inner``: with the columns that readers of logs never get.
    """
    with _opened(storage, file) as (parquet, source):
        names = parquet.schema_arrow.names
        wanted = None if fields is None else {column_of(field) for field in fields}
        own = {TIME, TIME_NS, RECEIVE_TIME, OVERFLOW} | ({ORIGIN, FILE} if inner else set())
        columns = [name for name in names if name in own or (is_field_column(name) and (wanted is None or name in wanted))]
        # Polars cannot read through the client of an object store that knows our options.
        lazy: Any = None
        at, begin = names.index(TIME), 0
        count = parquet.num_row_groups
        share = range(count * part // parts, count * (part + 1) // parts)
        for number in range(share.stop):
            group = parquet.metadata.row_group(number)
            first, last = begin, begin + group.num_rows
            if rows is not None:
                first, last = max(first, rows.start), min(last, rows.stop)
            if number in share and first < last and _may_hold(group.column(at), times):
                if isinstance(source, str) and group.num_rows > _FEW:
                    if lazy is None:
                        lazy = pl.scan_parquet(source, glob=False, hive_partitioning=False).select(columns)
                    yield lazy.slice(first, last - first).collect()
                else:
                    table = parquet.read_row_group(number, columns, use_threads=group.num_rows > _FEW)
                    yield pl.DataFrame(pl.from_arrow(table)).slice(first - begin, last - first)
            begin += group.num_rows


def files_in(storage: Storage, file: DataFile) -> Any:
    """Which file each log of a rewritten file was written in first, as 64-bit numbers, 0 = it is not told; None when none is."""
    return _numbers(storage, file, FILE)


def receive_times_in(storage: Storage, file: DataFile) -> Any:
    """The receive time of each log of a file; None when all share the file's."""
    return _numbers(storage, file, RECEIVE_TIME)


def _numbers(storage: Storage, file: DataFile, column: str) -> Any:
    with _opened(storage, file) as (parquet, _):
        if column not in parquet.schema_arrow.names:
            return None
        return pc.fill_null(parquet.read([column])[column], 0).to_numpy()


def origins_in(storage: Storage, file: DataFile) -> set[str]:
    """The origins of a file's logs."""
    with _opened(storage, file) as (parquet, _):
        if ORIGIN not in parquet.schema_arrow.names:
            return set()
        return {origin for origin in pc.unique(parquet.read([ORIGIN])[ORIGIN]).to_pylist() if origin is not None}


@contextmanager
def _opened(storage: Storage, file: DataFile) -> Iterator[tuple[Any, Any]]:
    try:
        source = storage.open(storage.relative(file.path))
        with pq.ParquetFile(source, pre_buffer=storage.reads_ahead) as parquet:
            yield parquet, source
    except FileNotFoundError as error:
        raise StoreUnavailable(
            f"the data file {file.path} is gone", hint="files that nobody should need any more were deleted meanwhile; read again"
        ) from error
    except (OSError, pa.ArrowInvalid, pl.exceptions.PolarsError) as error:
        raise StoreUnavailable(
            f"the data file {file.path} cannot be read: {storage.words(error)}",
            hint="restore it from a copy, or remove it from the Logstore",
        ) from error


def in_64_bits(interval: Interval) -> Interval:
    """An interval whose ends engines can compare with: further out there are no times."""
    least, greatest = -(2**63), 2**63 - 1
    return Interval(*(min(max(end, least), greatest) for end in (interval.start, interval.end)))


def _may_hold(chunk: Any, times: Interval) -> bool:
    statistics = chunk.statistics
    return statistics is None or not statistics.has_min_max or times.overlaps(statistics.min, statistics.max)


def with_receive_time(frame: pl.DataFrame, file: DataFile) -> pl.DataFrame:
    """With the receive time that all logs of a file share, when they do."""
    if file.receive_time is None:
        return frame
    constant = pl.Series(RECEIVE_TIME, [file.receive_time], pl.Int64).new_from_index(0, frame.height)
    return frame.insert_column(frame.columns.index(TIME_NS) + 1, constant)


def _filtered(frame: pl.DataFrame, times: Interval, received: Interval) -> pl.DataFrame:
    for name, interval in ((TIME, times), (RECEIVE_TIME, received)):
        low, high = frame[name].min(), frame[name].max()
        if isinstance(low, int) and interval.has_start and low < interval.start:
            frame = frame.filter(pl.col(name) >= interval.start)
        if isinstance(high, int) and interval.has_end and high >= interval.end:
            frame = frame.filter(pl.col(name) < interval.end)
    return frame


def present(frame: pl.DataFrame) -> pl.DataFrame:
    """Without the fields that no log has."""
    nulls = frame.null_count().row(0)
    return frame.drop(name for name, absent in zip(frame.columns, nulls, strict=True) if is_field_column(name) and absent == frame.height)


def _bounded(frame: pl.DataFrame) -> Iterator[LogGroup]:
    """A frame as groups of at most `MAX_ROWS` logs and `MAX_BYTES` each (or one log)."""
    size = int(frame.estimated_size())
    pieces = max(-(-frame.height // MAX_ROWS), -(-size // MAX_BYTES), 1)
    step = min(-(-frame.height // pieces), max(1, MAX_BYTES * frame.height // max(1, size)))
    whole = own_bytes(frame, sum(kind == pl.String for kind in frame.dtypes))
    for begin in range(0, frame.height, step):
        group = LogGroup.from_frame(frame.slice(begin, step))
        own = whole * group.num_rows // frame.height
        yield group.compacted() if group.nbytes > min(MAX_BYTES, 2 * own + _SLACK) else group
