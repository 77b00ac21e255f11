"""Reading data files: exact rows of the intervals asked for, as bounded log groups that own their memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.connectors.delta.shaping import restore_overflow
from transforms.connectors.delta.storage import Storage
from transforms.core.errors import StoreUnavailable
from transforms.core.field_columns import ORIGIN, OVERFLOW, RECEIVE_TIME, TIME, TIME_NS, column_of, is_field_column
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import MAX_BYTES, MAX_ROWS, LogGroup
from transforms.stores.logstore import DataFile

__all__ = ["batches", "in_64_bits", "origins_in", "read_files"]


def read_files(
    storage: Storage,
    files: Iterable[DataFile],
    times: Interval = ALL_TIME,
    received: Interval = ALL_TIME,
    fields: Sequence[str] | None = None,
) -> Iterator[LogGroup]:
    """The logs of files, file by file. Raises StoreUnavailable when a file is gone."""
    times, received = in_64_bits(times), in_64_bits(received)
    for file in files:
        for table in batches(storage, file, times, fields):
            table = _filtered(_received(table, file), times, received)
            if not table.num_rows:
                continue
            restored = restore_overflow(table, fields) if OVERFLOW in table.column_names else (table,)
            yield from (LogGroup(piece) for whole in restored for piece in _bounded(_present(whole)))


def batches(
    storage: Storage, file: DataFile, times: Interval = ALL_TIME, fields: Sequence[str] | None = None, *, origins: bool = False
) -> Iterator[Any]:
    """The stored columns of a file (no typed twins; ``origins``: those too) as tables of at most `MAX_ROWS` logs.

    Row groups outside ``times`` are skipped.
    """
    with _opened(storage, file) as parquet:
        names = parquet.schema_arrow.names
        wanted = None if fields is None else {column_of(field) for field in fields}
        own = {TIME, TIME_NS, RECEIVE_TIME, OVERFLOW} | ({ORIGIN} if origins else set())
        columns = [name for name in names if name in own or (is_field_column(name) and (wanted is None or name in wanted))]
        at = names.index(TIME)
        groups = [n for n in range(parquet.num_row_groups) if _may_hold(parquet.metadata.row_group(n).column(at), times)]
        for group in groups:
            for batch in parquet.iter_batches(MAX_ROWS, row_groups=[group], columns=columns):
                yield _texts(pa.Table.from_batches([batch]))


def origins_in(storage: Storage, file: DataFile) -> set[str]:
    """The origins of a file's logs."""
    with _opened(storage, file) as parquet:
        if ORIGIN not in parquet.schema_arrow.names:
            return set()
        return {origin for origin in pc.unique(parquet.read([ORIGIN])[ORIGIN]).to_pylist() if origin is not None}


@contextmanager
def _opened(storage: Storage, file: DataFile) -> Iterator[Any]:
    try:
        with pq.ParquetFile(storage.open(storage.relative(file.path)), pre_buffer=storage.reads_ahead) as parquet:
            yield parquet
    except FileNotFoundError as error:
        raise StoreUnavailable(
            f"the data file {file.path} is gone", hint="files that nobody should need any more were deleted meanwhile; read again"
        ) from error
    except (OSError, pa.ArrowInvalid) as error:
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


def _texts(table: Any) -> Any:
    schema = pa.schema([(f.name, f.type if pa.types.is_integer(f.type) else pa.string()) for f in table.schema])
    return table if table.schema.equals(schema) else table.cast(schema)


def _received(table: Any, file: DataFile) -> Any:
    if file.receive_time is not None:
        constant = pa.repeat(pa.scalar(file.receive_time, pa.int64()), table.num_rows)
        at = table.column_names.index(TIME_NS) + 1
        return table.add_column(at, pa.field(RECEIVE_TIME, pa.int64()), constant)
    return table


def _filtered(table: Any, times: Interval, received: Interval) -> Any:
    for name, interval in ((TIME, times), (RECEIVE_TIME, received)):
        if interval.has_start:
            table = _where(table, pc.greater_equal(table[name], interval.start))
        if interval.has_end:
            table = _where(table, pc.less(table[name], interval.end))
    return table


def _where(table: Any, mask: Any) -> Any:
    return table if pc.all(mask, min_count=0).as_py() else table.filter(mask)


def _present(table: Any) -> Any:
    absent = [name for name in table.column_names if is_field_column(name) and table[name].null_count == table.num_rows]
    return table.drop_columns(absent) if absent else table


def _bounded(table: Any) -> Iterator[Any]:
    """A table in pieces of at most `MAX_BYTES` each (or one log), every piece in memory of its own."""
    pieces = -(-table.nbytes // MAX_BYTES)
    if pieces <= 1:
        yield table
        return
    step = max(1, table.num_rows // pieces)
    for begin in range(0, table.num_rows, step):
        yield LogGroup.from_ipc(LogGroup(table.slice(begin, step)).to_ipc()).table
