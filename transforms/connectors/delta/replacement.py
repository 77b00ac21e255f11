"""Making all logs of some origins invisible: whole files, and the rows of files that compaction mixed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from transforms.connectors.delta.actions import is_full, renamed
from transforms.connectors.delta.data_files import Admit, write_frame
from transforms.connectors.delta.reading import origins_in
from transforms.connectors.delta.rewriting import frames_of_file
from transforms.connectors.delta.storage import Storage
from transforms.core.field_columns import ORIGIN
from transforms.stores.logstore import DataFile

__all__ = ["Replacement"]


class Replacement:
    """What goes and what stays of the files of one snapshot. Kept between the tries of one commit: no file is rewritten twice.

    Args:
        storage: of the Logstore.
        origins: those whose logs go.
        admit: as for a writer of files.
    """

    def __init__(self, storage: Storage, origins: Sequence[str], admit: Admit) -> None:
        self._storage = storage
        self._origins = origins
        self._admit = admit
        self._rewritten: dict[str, tuple[frozenset[str], DataFile | None]] = {}

    def of(self, files: Iterable[DataFile]) -> tuple[list[DataFile], list[DataFile], tuple[str, ...]]:
        """Files that go, files with the untouched rest of mixed ones, and the origins that had logs."""
        gone: list[DataFile] = []
        rest: list[DataFile] = []
        found: set[str] = set()
        for file in files:
            if file.origin is not None:
                if file.origin in self._origins:
                    gone.append(file)
                    found.add(file.origin)
            elif any(file.may_hold(origin) for origin in self._origins):
                held, left = self._split(file)
                if held:
                    gone.append(file)
                    found |= held
                    rest += [left] if left is not None else []
        return gone, rest, tuple(origin for origin in self._origins if origin in found)

    def _split(self, file: DataFile) -> tuple[frozenset[str], DataFile | None]:
        known = self._rewritten.get(file.path)
        # Between two tries a hasty vacuum may have deleted what nobody can see yet.
        if known is None or (known[1] is not None and self._storage.size(self._storage.relative(known[1].path)) is None):
            known = self._rewritten[file.path] = self._rewrite(file)
        return known

    def _rewrite(self, file: DataFile) -> tuple[frozenset[str], DataFile | None]:
        relative = self._storage.relative(file.path)
        goes = pl.col(ORIGIN).is_in(list(self._origins)).fill_null(value=False)
        # Most mixed files whose bounds enclose an origin have none of its logs: a look at one small column tells.
        held = frozenset(origins_in(self._storage, file).intersection(self._origins))
        if not held:
            return held, None
        frames = [kept for frame in frames_of_file(self._storage, file) if (kept := frame.filter(~goes)).height]
        if not frames:
            return held, None
        # What has lost most of its logs may be merged with others again.
        full = is_full(file) and 2 * sum(frame.height for frame in frames) > file.rows
        place = renamed(relative, full)
        return held, write_frame(self._storage, frames, place, file.shard, file.receive_time, dict(file.typed), self._admit)
