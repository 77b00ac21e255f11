"""Writing data files: groups are taken as a stream, gathered up to a bound, shaped, and made durable one file at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import polars as pl
import pyarrow as pa

from transforms.connectors.delta.actions import origins_of, plain_name
from transforms.connectors.delta.shaping import frame_of, shape
from transforms.connectors.delta.shard_keys import by_shard
from transforms.connectors.delta.shards import Route
from transforms.connectors.delta.storage import Storage
from transforms.core.durable import durable
from transforms.core.errors import ParameterInvalid, StoreUnavailable
from transforms.core.field_columns import ORIGIN, TIME
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import DataFile

__all__ = ["MAX_FILE_BYTES", "MAX_FILE_ROWS", "ROW_GROUP_BYTES", "ROW_GROUP_ROWS", "Admit", "write_frame", "write_groups"]

MAX_FILE_ROWS = 1_000_000
MAX_FILE_BYTES = 128 * 1024 * 1024
"""In memory, before compression."""
MAX_FILE_CELLS = 8_000_000
"""Rows × columns: an absent field costs memory too."""
JOINED_ROWS = 16_384
ROW_GROUP_ROWS = 131_072
ROW_GROUP_BYTES = 64 * 1024 * 1024
"""In memory: what a reader must hold to read one row group."""

Admit = Callable[[Sequence[str], Sequence[tuple[str, str]]], set[str]]


def write_groups(
    storage: Storage, groups: Iterable[LogGroup], route: Route, typed: Mapping[str, str], admit: Admit, moment_us: int,
    origin: str | None = None,
) -> list[DataFile]:  # fmt: skip
    """Write groups as data files of bounded size, each of one shard."""
    files = []
    ordinal = count()
    for frames, full in gather(_frame(group, origin) for group in _joined(groups)):
        parts: Mapping[int | None, list[pl.DataFrame]] = {None: frames}
        if route.hash_field is not None:
            parts = by_shard(frames, route.hash_field, route.writable)
        for chosen, part in parts.items():
            shard = route.shard() if chosen is None else chosen
            relative = plain_name(shard, moment_us, next(ordinal), full and len(parts) == 1)
            file = write_frame(storage, part, relative, shard, None, typed, admit, origin)
            files.append(replace(file, place=route.place, hash_field=None if chosen is None else route.hash_field))
    return files


def _joined(groups: Iterable[LogGroup]) -> Iterator[LogGroup]:
    """The groups with logs; small ones that follow each other and have the same columns as one: a frame costs the same for few logs."""
    pending: list[LogGroup] = []
    rows = 0
    for group in groups:
        if pending and (rows + group.num_rows > JOINED_ROWS or group.table.schema != pending[0].table.schema):
            yield _one(pending)
            pending, rows = [], 0
        if group.num_rows:
            pending.append(group)
            rows += group.num_rows
    if pending:
        yield _one(pending)


def _one(groups: Sequence[LogGroup]) -> LogGroup:
    return groups[0] if len(groups) == 1 else LogGroup(pa.concat_tables([group.table for group in groups]))


def gather(frames: Iterable[pl.DataFrame]) -> Iterator[tuple[list[pl.DataFrame], bool]]:
    """Runs of frames that fit one file, and whether the file is full with them. A frame that alone is too big is cut."""
    pending: list[pl.DataFrame] = []
    rows = size = 0
    columns: set[str] = set()
    for whole in frames:
        for frame in _cut(whole):
            wider = columns.union(frame.columns)
            more = int(frame.estimated_size())
            full = rows + frame.height > MAX_FILE_ROWS or size + more > MAX_FILE_BYTES
            if pending and (full or (rows + frame.height) * len(wider) > MAX_FILE_CELLS):
                yield pending, True
                pending, rows, size, wider = [], 0, 0, set(frame.columns)
            pending.append(frame)
            rows, size, columns = rows + frame.height, size + more, wider
    if pending:
        yield pending, False


def write_frame(
    storage: Storage, frames: Sequence[pl.DataFrame], relative: str, shard: int, receive_time: int | None, typed: Mapping[str, str],
    admit: Admit, origin: str | None = None,
) -> DataFile:  # fmt: skip
    """Shape frames (in receive order) and write them as one durable, invisible file; under ``origin``, or the origins they have."""
    frame, pairs = shape(frames, typed, admit)
    if origin is not None:
        frame = frame.with_columns(pl.lit(origin, pl.String).alias(ORIGIN))
    try:
        with durable("logstore.write-file"), storage.writing(relative) as path:
            frame.write_parquet(path, compression="zstd", compression_level=1, statistics=True, row_group_size=_row_group_size(frame))
        size = storage.size(relative)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreUnavailable(
            f"the data file {storage.path_of(relative)} cannot be written: {storage.words(error)}",
            hint="check room and rights there; no log became visible",
        ) from error
    seconds = frame[TIME]
    return DataFile(
        storage.path_of(relative), size or 0, frame.height, shard, _int(seconds.min()), _int(seconds.max()), receive_time, pairs,
        *((origin, None) if origin is not None else _origins(frame)),
    )  # fmt: skip


def _frame(group: LogGroup, origin: str | None) -> pl.DataFrame:
    if origin is not None and ORIGIN in group.table.column_names:
        raise ParameterInvalid("an origin is given twice: for all logs, and by the logs themselves")
    return frame_of(group)


def _cut(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    size = int(frame.estimated_size())
    pieces = max(-(-frame.height // MAX_FILE_ROWS), -(-size // MAX_FILE_BYTES), -(-frame.height * frame.width // MAX_FILE_CELLS), 1)
    step = max(1, -(-frame.height // pieces))
    for begin in range(0, frame.height, step):
        yield frame.slice(begin, step) if step < frame.height else frame


def _row_group_size(frame: pl.DataFrame) -> int:
    row = max(1, int(frame.estimated_size()) // max(1, frame.height))
    return max(1, min(ROW_GROUP_ROWS, ROW_GROUP_BYTES // row))


def _origins(frame: pl.DataFrame) -> tuple[str | None, tuple[str, str] | None]:
    if ORIGIN not in frame.columns:
        return None, None
    column = frame[ORIGIN]
    return origins_of(str(column.min()), str(column.max()), column.null_count())


def _int(value: Any) -> int:
    return int(value)
