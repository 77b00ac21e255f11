"""Writing the logs of committed files anew, in other files, with the receive times they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
import pyarrow.parquet as pq
from deltalake import DeltaTable

from transforms.connectors.delta.actions import add_action, is_full, merged_name, number_of, remove_action, renamed
from transforms.connectors.delta.commit import Change, Committer
from transforms.connectors.delta.data_files import Admit, gather, write_frame
from transforms.connectors.delta.reading import row_groups
from transforms.connectors.delta.snapshot import active_files
from transforms.connectors.delta.storage import Storage
from transforms.core.field_columns import FILE, RECEIVE_TIME
from transforms.stores.logstore import DataFile, MaintenanceReport

__all__ = ["InputGone", "columns_of_file", "frames_of_file", "merge", "retype", "sum_of", "swap"]


class InputGone(Exception):
    """Another writer removed a file that was being rewritten."""


def columns_of_file(storage: Storage, file: DataFile) -> frozenset[str]:
    """Names of the columns a file has."""
    return frozenset(pq.read_schema(storage.open(storage.relative(file.path))).names)


def merge(storage: Storage, files: Sequence[DataFile], typed: Mapping[str, str], admit: Admit) -> list[DataFile]:
    """Files of one shard, in commit order, as few files of bounded size; memory stays within the bound of one."""
    shard = files[0].shard
    merged = []
    for ordinal, (frames, full) in enumerate(gather(_stamped(storage, files))):
        first = min(_moment(frame, "min") for frame in frames)
        last = max(_moment(frame, "max") for frame in frames)
        merged.append(write_frame(storage, frames, merged_name(shard, first, last, ordinal, full), shard, None, typed, admit))
    return merged


def retype(storage: Storage, file: DataFile, typed: Mapping[str, str], admit: Admit) -> DataFile:
    """The same logs in the same place of the order, with other typed columns."""
    frames = list(frames_of_file(storage, file))
    return write_frame(storage, frames, renamed(storage.relative(file.path), is_full(file)), file.shard, file.receive_time, typed, admit)


def swap(committer: Committer, old: Sequence[DataFile], new: Sequence[DataFile]) -> MaintenanceReport:
    """Commit ``new`` in the place of ``old``: the logs are the same, so no tail sees it. Raises InputGone."""
    storage = committer.storage

    def plan(table: DeltaTable, receive_time: int) -> Change:
        del receive_time  # these logs have theirs
        active = {file.path for file in active_files(storage, table)}
        if not active.issuperset(file.path for file in old):
            raise InputGone
        now_ms = committer.clock.now_us() // 1_000
        removes = [remove_action(file, storage.relative(file.path), now_ms, data_change=False) for file in old]
        adds = [add_action(file, storage.relative(file.path), file.receive_time, now_ms, data_change=False) for file in new]
        return Change([*removes, *adds])

    committer.commit(plan)
    return MaintenanceReport(
        len(old), len(new), sum(file.rows for file in new), sum(file.size for file in old), sum(file.size for file in new)
    )


def sum_of(reports: Sequence[MaintenanceReport]) -> MaintenanceReport:
    """Reports as one."""
    return MaintenanceReport(
        sum(r.files_removed for r in reports),
        sum(r.files_added for r in reports),
        sum(r.rows for r in reports),
        sum(r.bytes_removed for r in reports),
        sum(r.bytes_added for r in reports),
    )


def frames_of_file(storage: Storage, file: DataFile) -> Iterator[pl.DataFrame]:
    """What a file holds of its own: no typed twins, no receive time that all its logs share; and which file each log was written in."""
    for frame in row_groups(storage, file, inner=True):
        # Compactions did not always tell files.
        number = None if file.receive_time is None else number_of(file)
        yield frame if FILE in frame.columns else frame.with_columns(pl.lit(number, pl.Int64).alias(FILE))


def _stamped(storage: Storage, files: Sequence[DataFile]) -> Iterator[pl.DataFrame]:
    for file in files:
        for frame in frames_of_file(storage, file):
            if file.receive_time is None:
                yield frame
            else:
                yield frame.with_columns(pl.lit(file.receive_time, pl.Int64).alias(RECEIVE_TIME))


def _moment(frame: pl.DataFrame, end: str) -> int:
    value = frame[RECEIVE_TIME].min() if end == "min" else frame[RECEIVE_TIME].max()
    assert isinstance(value, int)
    return value
