"""The Delta adapter of the Logstore port."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from deltalake import DeltaTable

from transforms.connectors.delta.actions import add_action, order_key, remove_action
from transforms.connectors.delta.columns import Columns
from transforms.connectors.delta.commit import Change, Committer
from transforms.connectors.delta.commit_log import TableLog
from transforms.connectors.delta.kept_table import KeptTable
from transforms.connectors.delta.log_files import ENTRIES_KEPT_S, shorten, wants_checkpoint
from transforms.connectors.delta.retention import expire, vacuum
from transforms.connectors.delta.shard_layout import layout_of
from transforms.connectors.delta.shard_places import ShardPlaces
from transforms.connectors.delta.shard_reading import ShardReading
from transforms.connectors.delta.shards import Route, Turns
from transforms.connectors.delta.snapshot import active_files, take_snapshot
from transforms.connectors.delta.storage import Storage, storage_of
from transforms.connectors.delta.table import create_table, open_table
from transforms.connectors.delta.table_state import TableState
from transforms.connectors.delta.upkeep import CHECKPOINT_EVERY, COMPACT_EVERY, TIDY_EVERY, Chore, Upkeep
from transforms.core.clock import Clock, SystemClock
from transforms.core.durable import durable
from transforms.core.errors import StoreRejected
from transforms.core.field_columns import ORIGIN
from transforms.core.interval import ALL_TIME, Interval
from transforms.stores.index import Index
from transforms.stores.logstore import (
    AppTransaction,
    Commit,
    CommitStep,
    DataFile,
    LogstoreDescriptor,
    MaintenanceReport,
    Snapshot,
    TailBatch,
    checked_origins,
)
from transforms.stores.shard_map import ShardMap

if TYPE_CHECKING:
    from transforms.connectors.delta.relocation import Relocation
    from transforms.connectors.delta.replacement import Replacement
    from transforms.core.log_group import LogGroup

# What reads or writes Parquet is imported where it happens: opening, planning and listing need no Arrow and no Polars.

__all__ = ["DeltaLogstore"]

FIELD_COLUMNS = 1_000


class _Step(NamedTuple):
    """`CommitStep`, or a commit without an app."""

    files: Sequence[DataFile]
    app: AppTransaction | None
    replaces: tuple[str, ...]


class DeltaLogstore(ShardReading):
    """A Logstore as a Delta table. See `transforms.stores.logstore.Logstore` for what the methods promise.

    Args:
        descriptor: which Logstore.
        clock: tells receive times and waits between tries.
        field_columns: how many fields get a column of their own; rarer ones share the overflow column.
        storage: where the files lie, when not simply where the descriptor says.
    """

    def __init__(
        self,
        descriptor: LogstoreDescriptor,
        *,
        clock: Clock | None = None,
        field_columns: int = FIELD_COLUMNS,
        storage: Storage | None = None,
    ) -> None:
        self.descriptor = descriptor
        self._clock = clock or SystemClock()
        self._storage = storage or storage_of(descriptor)
        self._index = descriptor.index
        self._turns = Turns()
        self._initial = ShardMap.of(descriptor.shards)
        # None of what follows knows the Logstore: in a cycle its table would stay in memory until Python looks for cycles, which may take hours.
        chores = (
            Chore(COMPACT_EVERY, DeltaLogstore._compact_by_size),
            Chore(CHECKPOINT_EVERY, DeltaLogstore._checkpoint),
            Chore(TIDY_EVERY, DeltaLogstore._forget_entries),
            Chore(TIDY_EVERY, DeltaLogstore._expire_by_retention),
            Chore(TIDY_EVERY, DeltaLogstore.vacuum),
        )
        self._upkeep = Upkeep(descriptor.name, chores)
        self._table = KeptTable(self._storage, descriptor.name)
        self._committer = Committer(self._storage, descriptor.name, self._table, self._clock, self._upkeep.notice)
        self._columns = Columns(self._committer, field_columns)
        self._shard_places = ShardPlaces(
            self._storage,
            descriptor.name,
            TableLog(self._storage, descriptor.name),
            TableState(self._storage, self._table, self._initial),
            self._clock,
        )
        self._open()

    def write_files(
        self,
        groups: Iterable[LogGroup],
        *,
        hash_key: str | None = None,
        shard: int | None = None,
        place: str | None = None,
        hash_field: str | None = None,
        origin: str | None = None,
    ) -> list[DataFile]:
        table = self._open()
        return self._write(table, groups, self._route(table, hash_key, shard, place, hash_field), origin)

    def commit(
        self,
        files: Sequence[DataFile],
        *,
        app: AppTransaction | None = None,
        remove: Sequence[DataFile] = (),
        replaces: str | Sequence[str] | None = None,
    ) -> Commit:
        return self._commit([_Step(files, app, checked_origins(replaces))], remove)[0]

    def commit_steps(self, steps: Sequence[CommitStep]) -> Sequence[Commit]:
        return self._commit([_Step(step.files, step.app, checked_origins(step.replaces)) for step in steps])

    def append(
        self,
        groups: Iterable[LogGroup],
        *,
        hash_key: str | None = None,
        app: AppTransaction | None = None,
        origin: str | None = None,
        replaces: str | Sequence[str] | None = None,
    ) -> Commit:
        table = self._open()
        done = table.transaction_version(app.app_id) if app is not None else None
        if app is not None and done is not None and app.version <= done:
            return self.commit((), app=app)  # made before: nothing to write
        return self.commit(self._write(table, groups, self._route(table, hash_key, None, None, None), origin), app=app, replaces=replaces)

    def app_version(self, app_id: str) -> int | None:
        version = self._open().transaction_version(app_id)
        return None if version is None else int(version)

    def snapshot(self, times: Interval = ALL_TIME, *, received: Interval = ALL_TIME) -> Snapshot:
        return take_snapshot(self._storage, self._open(), times, received)

    def read(self, times: Interval = ALL_TIME, *, received: Interval = ALL_TIME, fields: Sequence[str] | None = None) -> Iterator[LogGroup]:
        return self.read_files(self.snapshot(times, received=received).files, times, received=received, fields=fields)

    def read_files(
        self,
        files: Sequence[DataFile],
        times: Interval = ALL_TIME,
        *,
        received: Interval = ALL_TIME,
        fields: Sequence[str] | None = None,
        part: int = 0,
        parts: int = 1,
    ) -> Iterator[LogGroup]:
        from transforms.connectors.delta.reading import read_files

        return read_files(self._storage, files, times, received, fields, part=part, parts=parts)

    def tail(self, after_version: int) -> Iterator[TailBatch]:
        from transforms.connectors.delta.tail import walk

        return walk(self._storage, self.descriptor.name, after_version, self.version())

    def version(self) -> int:
        return int(self._open().version())

    @property
    def _places(self) -> ShardPlaces:
        return self._shard_places

    def split_shard(self, shard: int, key: str | None = None) -> tuple[int, int]:
        made: tuple[int, int] = (0, 0)

        def change(shards: ShardMap) -> ShardMap:
            nonlocal made
            shards, made = shards.split(shard, key)
            return shards

        self._committer.change_shards("logstore.split-shard", self._initial, change)
        return made

    def merge_shards(self, shard: int) -> int:
        made = 0

        def change(shards: ShardMap) -> ShardMap:
            nonlocal made
            shards, made = shards.merge(shard)
            return shards

        self._committer.change_shards("logstore.merge-shards", self._initial, change)
        return made

    def settle(self, receive_time: int) -> None:
        self._committer.settle(receive_time)

    def set_index(self, index: Index | None) -> None:
        self._index = index

    def compact(self, *, min_files: int = 8) -> MaintenanceReport:
        from transforms.connectors.delta.compaction import compact

        return compact(self._committer, self._columns, self._index, min_files)

    def vacuum(self, *, older_than_hours: float = 168.0) -> MaintenanceReport:
        return vacuum(self._committer, older_than_hours)

    def expire(self, before: int) -> MaintenanceReport:
        return expire(self._committer, before)

    def reindex(self, index: Index | None) -> MaintenanceReport:
        from transforms.connectors.delta.compaction import reindex

        return reindex(self._committer, self._columns, index)

    def _open(self) -> DeltaTable:
        return self._table.open()

    def _write(self, table: DeltaTable, groups: Iterable[LogGroup], route: Route, origin: str | None) -> list[DataFile]:
        from transforms.connectors.delta.data_files import write_groups

        self._columns.learn(table)
        if checked_origins(origin):
            self._columns.admit_origins()
        typed = self._index.typed_fields() if self._index else {}
        taken: Iterable[LogGroup] = self._with_origins(groups)
        if self.descriptor.telemetry == "metrics":
            from transforms.stores.samples import taken_by

            taken = taken_by(self.descriptor.name, taken)
        return write_groups(self._storage, taken, route, typed, self._columns.admit, self._clock.now_us(), origin)

    def _with_origins(self, groups: Iterable[LogGroup]) -> Iterator[LogGroup]:
        for group in groups:
            if ORIGIN in group.table.column_names:
                self._columns.admit_origins()
            yield group

    def _commit(self, steps: Sequence[_Step], remove: Sequence[DataFile] = ()) -> Sequence[Commit]:
        storage, placed = self._storage, self._placed()
        replacements: dict[tuple[str, ...], Replacement] = {}
        there: set[str] = set()

        def plan(table: DeltaTable, receive_time: int, waiting: Sequence[int]) -> Change:
            now_ms = self._clock.now_us() // 1_000
            wanted = sorted((file for n in waiting for file in steps[n].files), key=order_key)
            files = list({storage.relative(file.path): file for file in wanted}.values())
            self._check_there(files, there)
            here = placed(table, files)
            actions = [add_action(file, storage.relative(file.path), receive_time, now_ms, data_change=True) for file in here]
            replacement = self._replacement([origin for n in waiting for origin in steps[n].replaces], replacements)
            active = active_files(storage, table) if remove or replacement else []
            gone = self._removed(active, remove)
            replaced: tuple[str, ...] = ()
            if replacement is not None:
                self._columns.learn(table)
                stays = {*gone, *(file.path for file in here)}
                lost, rest, replaced = replacement.of(file for file in active if file.path not in stays)
                gone |= {file.path: file for file in lost}
                actions += [add_action(file, storage.relative(file.path), file.receive_time, now_ms, data_change=False) for file in rest]
            removes = [remove_action(file, storage.relative(path), now_ms, data_change=True) for path, file in gone.items()]
            return Change([*removes, *actions], bool(here), replaced)

        done = self._committer.commit_steps(plan, [step.app for step in steps])
        if any(commit.applied for commit in done):
            self._upkeep.run(self)
        return [
            dataclasses.replace(commit, replaced=tuple(origin for origin in commit.replaced if origin in step.replaces))
            for commit, step in zip(done, steps, strict=True)
        ]

    def _check_there(self, files: Sequence[DataFile], there: set[str]) -> None:
        """Refuses files that were deleted; ``there`` are those that a former try of the commit found."""
        for relative in (storage_path for file in files if (storage_path := self._storage.relative(file.path)) not in there):
            if self._storage.size(relative) is None:
                raise StoreRejected(f"the data file {relative} is gone, so it cannot be committed", hint="write its logs again")
            there.add(relative)

    def _route(self, table: DeltaTable, hash_key: str | None, shard: int | None, place: str | None, hash_field: str | None) -> Route:
        shards = layout_of(table, self._initial)
        return Route.of(shards, self._turns, hash_key=hash_key, shard=shard, place=place, hash_field=hash_field)

    def _placed(self) -> Callable[[DeltaTable, Sequence[DataFile]], Sequence[DataFile]]:
        """Finds files their shards on a snapshot: those of shards that were split or merged since they were written move."""
        relocation: Relocation | None = None

        def placed(table: DeltaTable, files: Sequence[DataFile]) -> Sequence[DataFile]:
            nonlocal relocation
            shards = layout_of(table, self._initial)
            if all(shards.record(file.shard).writable for file in files):
                return files
            if relocation is None:
                from transforms.connectors.delta.relocation import Relocation

                relocation = Relocation(self._storage, self._columns.admit, self._turns)
            self._columns.learn(table)
            return sorted(relocation.of(files, shards), key=order_key)

        return placed

    def _compact_by_size(self) -> MaintenanceReport:
        from transforms.connectors.delta.compaction import compact

        return compact(self._committer, self._columns, self._index, 8, by_size=True)

    def _checkpoint(self) -> None:
        table = self._open()
        if wants_checkpoint(self._storage, table.version()):
            with durable("logstore.checkpoint"):
                table.create_checkpoint()
        if self._storage.archive is not None:  # elsewhere it takes many requests to look what there is: with the other chores
            self._shorten()

    def _forget_entries(self) -> None:
        if (archive := self._storage.archive) is not None:
            archive.forget(self._clock.now_us() / 1e6 - ENTRIES_KEPT_S)
        else:
            self._open().cleanup_metadata()
            self._shorten()

    def _shorten(self) -> None:
        with durable("logstore.shorten-log"):
            shorten(self._storage, self._clock.now_us() / 1e6)

    def _expire_by_retention(self) -> None:
        if self.descriptor.retention_days is not None:
            self.expire(self._clock.now_us() // 1_000_000 - self.descriptor.retention_days * 86_400)

    def _replacement(self, origins: Sequence[str], known: dict[tuple[str, ...], Replacement]) -> Replacement | None:
        """Kept between the tries of one commit in ``known``."""
        if not origins:
            return None
        from transforms.connectors.delta.replacement import Replacement

        wanted = tuple(dict.fromkeys(origins))
        if wanted not in known:
            known[wanted] = Replacement(self._storage, wanted, self._columns.admit)
        return known[wanted]

    def _removed(self, active: Iterable[DataFile], remove: Sequence[DataFile]) -> dict[str, DataFile]:
        known = {file.path: file for file in active} if remove else {}
        for file in remove:
            if file.path not in known:
                raise StoreRejected(
                    f"the data file {file.path} is not part of Logstore {self.descriptor.name!r} any more",
                    hint="take a new snapshot: another writer replaced, compacted or expired it",
                )
        return {file.path: known[file.path] for file in remove}


def create(descriptor: LogstoreDescriptor) -> None:
    """Make the table of a Logstore unless it is there."""
    create_table(storage_of(descriptor), descriptor.name, ShardMap.of(descriptor.shards))


def drop(descriptor: LogstoreDescriptor) -> None:
    """Delete a Logstore's table and data. Raises NotFound when there is none."""
    storage = storage_of(descriptor)
    open_table(storage, descriptor.name)
    storage.delete_all()
