"""The memory adapter of the Logstore port: versions, transactions and columns live in this process and end with it.

Data files are real Parquet files in a private temporary folder, so that engines read them like any other Logstore's. Opening
one location twice in a process opens one Logstore; all objects of it may be used from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from transforms.connectors.delta.actions import order_key, received_span
from transforms.connectors.delta.commit_log import ends_after
from transforms.connectors.delta.compaction import bins_of, is_stale
from transforms.connectors.delta.data_files import write_groups
from transforms.connectors.delta.reading import read_files
from transforms.connectors.delta.relocation import Relocation
from transforms.connectors.delta.replacement import Replacement
from transforms.connectors.delta.rewriting import merge, retype, sum_of
from transforms.connectors.delta.shard_places import ShardPlaces
from transforms.connectors.delta.shard_reading import ShardReading
from transforms.connectors.delta.shards import Route, Turns
from transforms.connectors.delta.tail import CommittedLogs, check_cursor
from transforms.connectors.memory_state import MemoryState, create_memory_logstore, drop_memory_logstore, state_of
from transforms.core.clock import Clock, SystemClock
from transforms.core.errors import ParameterInvalid, StoreRejected
from transforms.core.field_columns import MAX_COLUMN_BYTES, column_of, field_of
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import LogGroup
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
    check_apps,
    checked_origins,
)
from transforms.stores.samples import taken_by
from transforms.stores.shard_map import KEPT_EMPTY_US, ShardMap

__all__ = ["MemoryLogstore", "create_memory_logstore", "drop_memory_logstore", "open_memory_logstore"]


def open_memory_logstore(descriptor: LogstoreDescriptor, clock: Clock | None = None) -> MemoryLogstore:
    """Open a Logstore of this process. Raises NotFound when there is none."""
    return MemoryLogstore(descriptor, clock=clock)


class MemoryLogstore(ShardReading):
    """See `transforms.stores.logstore.Logstore` for what the methods promise.

    Args:
        descriptor: which Logstore.
        clock: tells receive times.
        field_columns: how many fields get a column of their own; rarer ones share the overflow column.
    """

    def __init__(self, descriptor: LogstoreDescriptor, *, clock: Clock | None = None, field_columns: int = 1_000) -> None:
        self.descriptor = descriptor
        self._clock = clock or SystemClock()
        self._limit = field_columns
        self._index = descriptor.index
        self._turns = Turns()
        self._known: tuple[MemoryState, ShardPlaces] | None = None
        state_of(descriptor)

    @property
    def _state(self) -> MemoryState:
        return state_of(self.descriptor)

    @property
    def _places(self) -> ShardPlaces:
        state = self._state
        if self._known is None or self._known[0] is not state:
            self._known = state, ShardPlaces(state.storage, self.descriptor.name, state, state, self._clock)
        return self._known[1]

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
        shards = self._state.shards
        route = Route.of(shards, self._turns, hash_key=hash_key, shard=shard, place=place, hash_field=hash_field)
        checked_origins(origin)
        taken = taken_by(self.descriptor.name, groups) if self.descriptor.telemetry == "metrics" else groups
        typed = self._typed(self._index)
        return write_groups(self._state.storage, taken, route, typed, self._admit, self._clock.now_us(), origin)

    def commit(
        self,
        files: Sequence[DataFile],
        *,
        app: AppTransaction | None = None,
        remove: Sequence[DataFile] = (),
        replaces: str | Sequence[str] | None = None,
    ) -> Commit:
        return self._commit([(files, app, checked_origins(replaces))], remove)[0]

    def commit_steps(self, steps: Sequence[CommitStep]) -> Sequence[Commit]:
        return self._commit([(step.files, step.app, checked_origins(step.replaces)) for step in steps])

    def _commit(
        self, steps: Sequence[tuple[Sequence[DataFile], AppTransaction | None, tuple[str, ...]]], remove: Sequence[DataFile] = ()
    ) -> list[Commit]:
        apps = [app for _, app, _ in steps if app is not None]
        for app in apps:
            if not app.app_id or app.version < 0:
                raise ParameterInvalid(f"the app transaction {app.app_id!r}, version {app.version}, cannot be used")
        check_apps([app.app_id for app in apps])
        state = self._state
        with state.lock:
            seen = [state.apps.get(app.app_id) if app else None for _, app, _ in steps]
            waiting = [n for n, (_, app, _) in enumerate(steps) if app is None or app.version > (-1 if (last := seen[n]) is None else last)]
            answers = [Commit(state.version, state.receive_time, False, previous) for previous in seen]
            if not waiting:
                return answers
            files = [file for n in waiting for file in steps[n][0]]
            replaced = self._apply(files, [origin for n in waiting for origin in steps[n][2]], remove, fences=bool(apps))
            for n in waiting:
                if (made := steps[n][1]) is not None:
                    state.apps[made.app_id] = made.version
                lost = tuple(origin for origin in replaced if origin in steps[n][2])
                answers[n] = Commit(state.version, state.receive_time, True, seen[n], lost)
            return answers

    def _apply(self, files: Sequence[DataFile], origins: Sequence[str], remove: Sequence[DataFile], *, fences: bool) -> tuple[str, ...]:
        """Make a version, unless nothing changes; gives the origins that lost logs."""
        state = self._state
        replacement = Replacement(state.storage, tuple(dict.fromkeys(origins)), self._admit)
        for file in files:
            if state.storage.size(state.storage.relative(file.path)) is None:
                raise StoreRejected(f"the data file {file.path} is gone, so it cannot be committed", hint="write its logs again")
        files = Relocation(state.storage, self._admit, self._turns).of(files, state.shards)
        self._remove(remove)
        added = {file.path for file in files}
        gone, rest, replaced = replacement.of(file for file in state.active.values() if file.path not in added)
        self._remove(gone)
        if not (files or remove or replaced or fences):
            return replaced
        state.active.update((file.path, file) for file in rest)
        if files or replaced:
            state.receive_time = max(self._clock.now_us(), state.receive_time + 1)
            now = state.receive_time
            stamped = sorted((replace(file, receive_time=now, place=None, hash_field=None) for file in files), key=order_key)
            state.active.update((file.path, file) for file in stamped)
            state.record(stamped, now)
            state.replaced[state.version] = replaced
        else:
            state.record()
        return replaced

    def append(
        self,
        groups: Iterable[LogGroup],
        *,
        hash_key: str | None = None,
        app: AppTransaction | None = None,
        origin: str | None = None,
        replaces: str | Sequence[str] | None = None,
    ) -> Commit:
        if app is not None and app.version <= self._state.apps.get(app.app_id, -1):
            return self.commit((), app=app)  # made before: nothing to write
        return self.commit(self.write_files(groups, hash_key=hash_key, origin=origin), app=app, replaces=replaces)

    def app_version(self, app_id: str) -> int | None:
        return self._state.apps.get(app_id)

    def snapshot(self, times: Interval = ALL_TIME, *, received: Interval = ALL_TIME) -> Snapshot:
        state = self._state
        with state.lock:
            files = sorted(state.active.values(), key=order_key)
            chosen = [f for f in files if times.overlaps(f.time_min, f.time_max) and received.overlaps(*received_span(f))]
            return Snapshot(
                state.version,
                tuple(chosen),
                len(files),
                sum(file.rows for file in files),
                sum(file.size for file in files),
                tuple(map(field_of, state.columns)),
                state.overflow,
                received=(min((received_span(file)[0] for file in files), default=0), state.receive_time),
            )

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
        return read_files(self._state.storage, files, times, received, fields, part=part, parts=parts)

    def tail(self, after_version: int) -> Iterator[TailBatch]:
        state, name = self._state, self.descriptor.name
        with state.lock:
            check_cursor(name, after_version, state.version)
            added = [entry for entry in state.entries[max(after_version, -1) + 1 :] if entry.files or state.replaced.get(entry.version)]
        for entry in added:
            files = tuple(sorted((file for found in entry.files.values() for file in found), key=order_key))
            logs = CommittedLogs(state.storage, name, entry.version, files)
            yield TailBatch(entry.version, entry.receive_time or 0, logs, state.replaced.get(entry.version, ()))

    def version(self) -> int:
        return self._state.version

    def compact(self, *, min_files: int = 8) -> MaintenanceReport:
        state = self._state
        with state.lock:
            reports = []
            for files in bins_of(state.storage, sorted(state.active.values(), key=order_key), min_files, False):
                typed = dict(pair for file in files for pair in file.typed) | self._typed(self._index)
                reports.append(self._swap(files, merge(state.storage, files, typed, self._admit)))
            return sum_of(reports)

    def vacuum(self, *, older_than_hours: float = 168.0) -> MaintenanceReport:
        if older_than_hours < 0:
            raise ParameterInvalid(f"vacuum cannot keep files for {older_than_hours} hours", hint="give 0 or more; 168 is a week")
        state = self._state
        with state.lock:
            latest = time.time() - older_than_hours * 3_600
            paths = [path for path in state.storage.root.rglob("*.parquet") if str(path) not in state.active]
            old = [path for path in paths if state.removed.get(str(path), path.stat().st_mtime) <= latest]
            size = sum(path.stat().st_size for path in old)
            for path in old:
                path.unlink()
            return MaintenanceReport(files_removed=len(old), bytes_removed=size)

    def expire(self, before: int) -> MaintenanceReport:
        state = self._state
        with state.lock:
            old = [file for file in state.active.values() if file.time_max < before]
            self.commit((), remove=old)
            return MaintenanceReport(len(old), 0, sum(file.rows for file in old), sum(file.size for file in old), 0)

    def reindex(self, index: Index | None) -> MaintenanceReport:
        state = self._state
        with state.lock:
            wanted = self._typed(index)
            stale = [file for file in state.active.values() if is_stale(state.storage, file, wanted)]
            return sum_of([self._swap([file], [retype(state.storage, file, wanted, self._admit)]) for file in stale])

    def split_shard(self, shard: int, key: str | None = None) -> tuple[int, int]:
        made: tuple[int, int] = (0, 0)

        def change(shards: ShardMap) -> ShardMap:
            nonlocal made
            shards, made = shards.split(shard, key)
            return shards

        self._change_shards(change)
        return made

    def merge_shards(self, shard: int) -> int:
        made = 0

        def change(shards: ShardMap) -> ShardMap:
            nonlocal made
            shards, made = shards.merge(shard)
            return shards

        self._change_shards(change)
        return made

    def settle(self, receive_time: int) -> None:
        state = self._state
        with state.lock:
            now_us = self._clock.now_us()
            if receive_time > now_us:
                raise ParameterInvalid(
                    f"logs may still be received before {receive_time} in Logstore {self.descriptor.name!r}: it is {now_us}",
                    hint="wait until then",
                )
            if state.receive_time < receive_time:
                state.receive_time = receive_time
                state.record(receive_time=receive_time)

    def set_index(self, index: Index | None) -> None:
        self._index = index

    def _change_shards(self, change: Callable[[ShardMap], ShardMap]) -> None:
        state = self._state
        with state.lock:
            now_us = max(self._clock.now_us(), state.receive_time + 1)
            made = change(state.shards).sealed(state.shards, ends_after(state, state.version), now_us)
            state.shards = made.without_expired({file.shard for file in state.active.values()}, now_us - KEPT_EMPTY_US)
            state.record(shards=state.shards)

    def _typed(self, index: Index | None) -> dict[str, str]:
        return dict(index.typed_fields()) if index else {}

    def _admit(self, columns: Sequence[str], typed: Sequence[tuple[str, str]]) -> set[str]:
        state = self._state
        indexed = {column_of(name) for name, _ in typed}
        taken = set()
        with state.lock:
            for column in sorted(columns, key=lambda column: column not in indexed):
                fits = len(column.encode()) <= MAX_COLUMN_BYTES and (column in indexed or len(state.columns) < self._limit)
                if fits or column in state.columns:
                    state.columns[column] = None
                    taken.add(column)
            state.overflow |= len(taken) < len(columns)
        return taken

    def _remove(self, files: Sequence[DataFile]) -> None:
        active = self._state.active
        for file in files:
            if file.path not in active:
                raise StoreRejected(
                    f"the data file {file.path} is not part of Logstore {self.descriptor.name!r} any more",
                    hint="take a new snapshot: another writer replaced, compacted or expired it",
                )
        for path in dict.fromkeys(file.path for file in files):
            del active[path]
            self._state.removed[path] = time.time()

    def _swap(self, old: Sequence[DataFile], new: Sequence[DataFile]) -> MaintenanceReport:
        state = self._state
        self._remove(old)
        state.active.update((file.path, file) for file in new)
        state.record()
        return MaintenanceReport(
            len(old), len(new), sum(file.rows for file in new), sum(file.size for file in old), sum(file.size for file in new)
        )
