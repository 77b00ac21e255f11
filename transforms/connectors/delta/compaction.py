"""Compaction and reindexing: which files are rewritten together.

Files are merged with files of their shard that have mostly the same fields, so that they stay narrow. The automatic run
merges only files of about the same size (within a factor of eight), so that a log is rewritten a logarithmic number of times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from transforms.connectors.delta.actions import is_full
from transforms.connectors.delta.columns import Columns
from transforms.connectors.delta.commit import ATTEMPTS, Committer
from transforms.connectors.delta.data_files import MAX_FILE_ROWS
from transforms.connectors.delta.rewriting import InputGone, columns_of_file, merge, retype, sum_of, swap
from transforms.connectors.delta.snapshot import active_files
from transforms.connectors.delta.storage import Storage
from transforms.core.errors import CommitConflict
from transforms.core.field_columns import column_of, is_field_column
from transforms.stores.index import Index
from transforms.stores.logstore import DataFile, MaintenanceReport

__all__ = ["SMALL_BYTES", "SMALL_ROWS", "bins_of", "compact", "is_stale", "reindex"]

SMALL_ROWS = 500_000
SMALL_BYTES = 64 * 1024 * 1024
ALIKE = 0.5
"""Least share of common fields, of all fields, of files that are merged."""
_REINDEX_FILES = 16
"""Files that one commit of a reindexing swaps."""


def compact(committer: Committer, columns: Columns, index: Index | None, min_files: int, *, by_size: bool = False) -> MaintenanceReport:
    """Merge small files of each shard that has at least ``min_files`` of them (``by_size``: of about one size)."""
    reports: list[MaintenanceReport] = []
    storage = committer.storage
    for _ in range(ATTEMPTS):
        table = committer.open()
        columns.learn(table)
        bins = bins_of(storage, active_files(storage, table), min_files, by_size)
        try:
            for files in bins:
                typed = dict(pair for file in files for pair in file.typed) | _typed(index)
                reports.append(swap(committer, files, merge(storage, files, typed, columns.admit)))
        except InputGone:
            continue
        return sum_of(reports)
    raise _overtaken(committer)


def reindex(committer: Committer, columns: Columns, index: Index | None) -> MaintenanceReport:
    """Rewrite files whose typed columns are not those of the index."""
    reports: list[MaintenanceReport] = []
    storage = committer.storage
    wanted = _typed(index)
    for _ in range(ATTEMPTS):
        table = committer.open()
        columns.learn(table)
        stale = [file for file in active_files(storage, table) if is_stale(storage, file, wanted)]
        try:
            for at in range(0, len(stale), _REINDEX_FILES):
                old = stale[at : at + _REINDEX_FILES]
                reports.append(swap(committer, old, [retype(storage, file, wanted, columns.admit) for file in old]))
        except InputGone:
            continue
        return sum_of(reports)
    raise _overtaken(committer)


def _typed(index: Index | None) -> dict[str, str]:
    return dict(index.typed_fields()) if index else {}


def is_stale(storage: Storage, file: DataFile, wanted: Mapping[str, str]) -> bool:
    """Whether a file has other typed columns than are wanted."""
    if file.typed == tuple(sorted(wanted.items())):
        return False
    present = columns_of_file(storage, file)
    return file.typed != tuple(sorted(pair for pair in wanted.items() if column_of(pair[0]) in present))


def bins_of(storage: Storage, files: Iterable[DataFile], min_files: int, by_size: bool) -> list[list[DataFile]]:
    """Files (given in commit order) to merge with each other."""
    candidates: dict[tuple[int, int], list[DataFile]] = defaultdict(list)
    for file in files:
        if file.rows < SMALL_ROWS and file.size < SMALL_BYTES and not is_full(file):
            tier = (file.rows.bit_length() + 2) // 3 if by_size else 0
            candidates[file.shard, tier].append(file)
    return [bin_ for group in candidates.values() if len(group) >= max(2, min_files) for bin_ in _alike(storage, group) if len(bin_) > 1]


def _alike(storage: Storage, files: Sequence[DataFile]) -> list[list[DataFile]]:
    open_bins: list[tuple[set[str], list[DataFile]]] = []
    closed: list[list[DataFile]] = []
    for file in files:
        fields = {name for name in columns_of_file(storage, file) if is_field_column(name)}
        for place, (known, members) in enumerate(open_bins):
            if len(known & fields) >= ALIKE * len(known | fields):
                if sum(member.rows for member in members) + file.rows > MAX_FILE_ROWS or _bytes(members) + file.size > 2 * SMALL_BYTES:
                    closed.append(members)
                    open_bins[place] = (fields, [file])
                else:
                    known |= fields
                    members.append(file)
                break
        else:
            open_bins.append((fields, [file]))
    return closed + [members for _, members in open_bins]


def _bytes(files: Iterable[DataFile]) -> int:
    return sum(file.size for file in files)


def _overtaken(committer: Committer) -> CommitConflict:
    return CommitConflict(
        f"files of Logstore {committer.name!r} were removed by other writers while they were rewritten, {ATTEMPTS} times", hint="try again"
    )
