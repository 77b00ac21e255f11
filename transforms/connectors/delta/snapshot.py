"""Which files a reader must read: the table's list of files, pruned by event time and receive time."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from transforms.connectors.delta.actions import order_key, received_span, typed_of
from transforms.connectors.delta.reading import in_64_bits
from transforms.connectors.delta.storage import Storage
from transforms.connectors.delta.table import column_names
from transforms.core.field_columns import OVERFLOW, RECEIVE_TIME, SHARD, TIME, TYPED, field_of, is_field_column
from transforms.core.interval import ALL_TIME, Interval
from transforms.stores.logstore import DataFile, Snapshot

__all__ = ["active_files", "take_snapshot"]


def take_snapshot(storage: Storage, table: DeltaTable, times: Interval = ALL_TIME, received: Interval = ALL_TIME) -> Snapshot:
    """The table at its version, as the port wants it."""
    listed = _listed(table)
    columns = column_names(table)
    fields = tuple(field_of(name) for name in columns if is_field_column(name))
    total, rows, size = listed.num_rows, 0, 0
    if total:
        rows, size = pc.sum(listed["num_records"]).as_py(), pc.sum(listed["size_bytes"]).as_py()
        listed = _pruned(listed, in_64_bits(times), in_64_bits(received))
    files = _files(storage, listed)
    if not received.unbounded:
        files = [file for file in files if received.overlaps(*received_span(file))]
    return Snapshot(table.version(), tuple(files), total, rows, size, fields, OVERFLOW in columns, storage.access)


def active_files(storage: Storage, table: DeltaTable) -> list[DataFile]:
    """All files of a table, in commit order."""
    return _files(storage, _listed(table))


def _listed(table: DeltaTable) -> Any:
    return pa.table(table.get_add_actions(flatten=True))


def _pruned(listed: Any, times: Interval, received: Interval) -> Any:
    low, high, moment = listed[f"min.{TIME}"], listed[f"max.{TIME}"], listed[f"partition.{RECEIVE_TIME}"]
    tests = []
    if times.has_start:
        tests.append(pc.greater_equal(high, times.start))
    if times.has_end:
        tests.append(pc.less(low, times.end))
    if received.has_start:
        tests.append(pc.fill_null(pc.greater_equal(moment, received.start), True))
    if received.has_end:
        tests.append(pc.fill_null(pc.less(moment, received.end), True))
    if not tests:
        return listed
    return listed.filter(reduce(pc.and_, tests))


def _files(storage: Storage, listed: Any) -> list[DataFile]:
    if not listed.num_rows:
        return []
    names = ["path", "size_bytes", "num_records", f"partition.{SHARD}", f"min.{TIME}", f"max.{TIME}", f"partition.{RECEIVE_TIME}"]
    columns = [listed[name].to_pylist() for name in names]
    encoded = listed[f"partition.{TYPED}"].combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    known = [typed_of(text) for text in encoded.dictionary.to_pylist()]
    typed = [() if at is None else known[at] for at in encoded.indices.to_pylist()]
    files = [
        DataFile(storage.path_of(path), size, rows, shard, low, high, moment, pairs)
        for path, size, rows, shard, low, high, moment, pairs in zip(*columns, typed, strict=True)
    ]
    return sorted(files, key=order_key)
