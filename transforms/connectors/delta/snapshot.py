"""Which files a reader must read: the table's list of files, pruned by event time and receive time.

The list is taken as Python values: a process that only plans or counts need not import Arrow, which takes longer than the pruning.
"""

from __future__ import annotations

from typing import Any

from deltalake import DeltaTable

from transforms.connectors.delta.actions import order_key, origins_of, received_span, typed_of
from transforms.connectors.delta.commit import last_receive_time
from transforms.connectors.delta.storage import Storage
from transforms.connectors.delta.table import column_names
from transforms.core.field_columns import ORIGIN, OVERFLOW, RECEIVE_TIME, SHARD, TIME, TYPED, field_of, is_field_column
from transforms.core.interval import ALL_TIME, Interval
from transforms.stores.logstore import DataFile, Snapshot

__all__ = ["active_files", "take_snapshot"]

_HOUR_US = 3_600_000_000
_Listed = list[tuple[Any, ...]]
"""path, bytes, rows, shard, first and last event time, receive time, typed columns, least and greatest origin, logs without one of each file."""
_COLUMNS = (
    "path",
    "size_bytes",
    "num_records",
    f"partition.{SHARD}",
    f"min.{TIME}",
    f"max.{TIME}",
    f"partition.{RECEIVE_TIME}",
    f"partition.{TYPED}",
    f"min.{ORIGIN}",
    f"max.{ORIGIN}",
    f"null_count.{ORIGIN}",
)


def take_snapshot(storage: Storage, table: DeltaTable, times: Interval = ALL_TIME, received: Interval = ALL_TIME) -> Snapshot:
    """The table at its version, as the port wants it."""
    listed = _listed(table)
    columns = column_names(table)
    fields = tuple(field_of(name) for name in columns if is_field_column(name))
    rows, size = sum(entry[2] for entry in listed), sum(entry[1] for entry in listed)
    files = _files(storage, [entry for entry in listed if times.overlaps(entry[4], entry[5])])
    if not received.unbounded:
        files = [file for file in files if received.overlaps(*received_span(file))]
    # Writers' clocks may differ by minutes: no log is older than its table by more than an hour.
    born = max(0, (table.metadata().created_time or 0) * 1_000 - _HOUR_US)
    span = (born, last_receive_time(table))
    return Snapshot(table.version(), tuple(files), len(listed), rows, size, fields, OVERFLOW in columns, storage.access, span)


def active_files(storage: Storage, table: DeltaTable) -> list[DataFile]:
    """All files of a table, in commit order."""
    return _files(storage, _listed(table))


def _listed(table: DeltaTable) -> _Listed:
    actions = table.get_add_actions(flatten=True)
    if not actions.num_rows:
        return []
    listed = set(actions.schema.names)
    absent = [None] * actions.num_rows  # a table that never had origins does not list them
    return list(zip(*(actions.column(name).to_pylist() if name in listed else absent for name in _COLUMNS), strict=True))


def _files(storage: Storage, listed: _Listed) -> list[DataFile]:
    # Few different lists of typed columns stand in many files.
    known = {text: () if text is None else typed_of(text) for text in {entry[7] for entry in listed}}
    files = [
        DataFile(storage.path_of(path), size, rows, shard, low, high, moment, known[typed], *origins_of(*origins))
        for path, size, rows, shard, low, high, moment, typed, *origins in listed
    ]
    return sorted(files, key=order_key)
