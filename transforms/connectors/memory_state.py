"""What there is of the Logstores of this process: versions, files, transactions, columns of each; shared by all objects of it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from transforms.connectors.delta.commit_log import CommitEntry, ends_after, received_after
from transforms.connectors.delta.storage import LocalStorage
from transforms.core.errors import NotFound
from transforms.stores.logstore import DataFile, LogstoreDescriptor
from transforms.stores.shard_map import ShardMap

__all__ = ["MemoryState", "create_memory_logstore", "drop_memory_logstore", "state_of"]


@dataclass
class MemoryState:
    """What all objects of one Logstore share; ``lock`` guards the rest."""

    storage: LocalStorage
    lock: RLock = field(default_factory=RLock)
    version: int = 0
    receive_time: int = 0
    active: dict[str, DataFile] = field(default_factory=dict)
    removed: dict[str, float] = field(default_factory=dict)
    apps: dict[str, int] = field(default_factory=dict)
    shards: ShardMap = field(default_factory=lambda: ShardMap(()))
    entries: list[CommitEntry] = field(default_factory=lambda: [CommitEntry(0, ends={}, received=0)])
    replaced: dict[int, tuple[str, ...]] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    overflow: bool = False

    def entry(self, version: int) -> CommitEntry | None:
        """See `transforms.connectors.delta.commit_log.CommitLog`."""
        return self.entries[version] if 0 <= version < len(self.entries) else None

    def belongs_to(self, table: str) -> bool:
        """A Logstore that was dropped and made again has another state."""
        return table == str(self.storage.root)

    def head(self) -> tuple[str, int, ShardMap]:
        """See `transforms.connectors.delta.shard_places.NewestState`."""
        with self.lock:
            return str(self.storage.root), self.version, self.shards

    def files(self) -> list[DataFile]:
        """See `transforms.connectors.delta.shard_places.NewestState`."""
        return list(self.active.values())

    def record(self, files: Sequence[DataFile] = (), receive_time: int | None = None, shards: ShardMap | None = None) -> None:
        """Make a version."""
        by_shard: dict[int, list[DataFile]] = {}
        for file in files:
            by_shard.setdefault(file.shard, []).append(file)
        before, received = ends_after(self, self.version), received_after(self, self.version)
        self.version += 1
        made = {shard: tuple(found) for shard, found in by_shard.items()}
        self.entries.append(CommitEntry(self.version, made, receive_time, before, received, shards))


_states: dict[str, MemoryState] = {}
_states_lock = RLock()


def create_memory_logstore(descriptor: LogstoreDescriptor) -> None:
    """Make a Logstore in this process; does nothing when it is there."""
    with _states_lock:
        if descriptor.location not in _states:
            folder = tempfile.mkdtemp(prefix="logsluice-memory-")
            atexit.register(_delete, folder, os.getpid())
            _states[descriptor.location] = MemoryState(LocalStorage(Path(folder)), shards=ShardMap.of(descriptor.shards))


def drop_memory_logstore(descriptor: LogstoreDescriptor) -> None:
    """Forget a Logstore with all its logs. Raises NotFound when there is none."""
    with _states_lock:
        shutil.rmtree(state_of(descriptor).storage.root, ignore_errors=True)
        del _states[descriptor.location]


def state_of(descriptor: LogstoreDescriptor) -> MemoryState:
    """The Logstore of a descriptor. Raises NotFound when there is none."""
    with _states_lock:
        state = _states.get(descriptor.location)
    if state is None:
        raise NotFound(f"the Logstore {descriptor.name!r} does not exist", hint="create it first", code="LogStoreNotExist")
    return state


def _delete(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # not a forked child, whose parent still reads the files
        shutil.rmtree(folder, ignore_errors=True)
