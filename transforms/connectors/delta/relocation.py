"""Logs by the shard that they belong to, and files that move because theirs was split or merged before they were committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from transforms.connectors.delta.actions import is_full, renamed
from transforms.connectors.delta.data_files import Admit, write_frame
from transforms.connectors.delta.reading import row_groups
from transforms.connectors.delta.shard_keys import by_shard
from transforms.connectors.delta.shards import Turns
from transforms.connectors.delta.storage import Storage
from transforms.stores.logstore import DataFile
from transforms.stores.shard import Shard, shard_of_digits
from transforms.stores.shard_map import ShardMap

__all__ = ["Relocation"]


class Relocation:
    """Finds the files of one commit their shards. Kept between its tries: no file is rewritten twice for the same shards.

    Args:
        storage: of the Logstore.
        admit: as for a writer of files.
        turns: for logs that may go to any shard.
    """

    def __init__(self, storage: Storage, admit: Admit, turns: Turns) -> None:
        self._storage = storage
        self._admit = admit
        self._turns = turns
        self._rewritten: dict[tuple[str, tuple[Shard, ...]], list[DataFile]] = {}

    def of(self, files: Iterable[DataFile], shards: ShardMap) -> list[DataFile]:
        """The files, those of retired shards in the shards that took over. Raises NotFound for a shard that never was."""
        return [found for file in files for found in self._placed(file, shards)]

    def _placed(self, file: DataFile, shards: ShardMap) -> Sequence[DataFile]:
        if shards.record(file.shard).writable:
            return (file,)
        takers = shards.takers(file.shard)
        if file.place is not None:
            return (replace(file, shard=shard_of_digits(takers, file.place).id),)
        if file.hash_field is None or len(takers) == 1:
            return (replace(file, shard=self._turns.of(takers)),)
        key = (file.path, takers)
        known = self._rewritten.get(key)
        # Between two tries a hasty vacuum may have deleted what nobody can see yet.
        if known is None or any(self._storage.size(self._storage.relative(made.path)) is None for made in known):
            known = self._rewritten[key] = self._divide(file, file.hash_field, takers)
        return known

    def _divide(self, file: DataFile, field: str, takers: tuple[Shard, ...]) -> list[DataFile]:
        frames = list(row_groups(self._storage, file, inner=True))
        relative = self._storage.relative(file.path)
        made = []
        for shard, part in by_shard(frames, field, takers).items():
            target = self._turns.of(takers) if shard is None else shard
            full = is_full(file) and 2 * sum(frame.height for frame in part) > file.rows
            place = renamed(relative, full)
            found = write_frame(self._storage, part, place, target, None, dict(file.typed), self._admit, file.origin)
            made.append(replace(found, hash_field=None if shard is None else field))
        return made
