"""WriteLogstores: logs for several Logstores; files are written by the workers, one committer makes them visible."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from transforms.connectors import open_logstore
from transforms.connectors.kept import kept_logstore
from transforms.core.error_transport import portable_errors
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.core.suggest import suggestion
from transforms.log_group_coder import register_log_group_coder
from transforms.stores.commit_intent import files_from_json, files_to_json
from transforms.stores.logstore import AppTransaction, DataFile, LogstoreDescriptor

__all__ = ["CommitTargets", "Destination", "Files", "SaveFiles", "WriteDataFiles", "WriteLogstores", "load_files"]

register_log_group_coder()

Files = dict[str, list[DataFile]]
"""For each target the files written for it; a target without logs has an empty list."""
FILE_BYTES = 64 * 1024 * 1024
"""In memory: a target's logs are written when they are that many, or"""
BUFFER_BYTES = 96 * 1024 * 1024
"""when all targets of a bundle have that many, all writers of a thread together: then those of a writer that has its share."""
LEAST_BYTES = 16 * 1024 * 1024
"""A writer beside many others has at least that much."""


class _Writers(threading.local):
    """The writers that a thread runs bundles of: most of a rule's outputs have few logs, and leave their share to the others."""

    def __init__(self) -> None:
        self.all: weakref.WeakSet[_WriteFiles] = weakref.WeakSet()

    def waiting(self) -> int:
        """Bytes that wait to be written."""
        return sum(writer.waiting for writer in self.all)


_writers = _Writers()


class Destination(NamedTuple):
    """A target, where in it (`Logstore.write_files` tells of ``shard``, ``place``, ``hash_field``), and the logs' origin when it is not
    the same for all."""

    target: str
    shard: int | None = None
    origin: str | None = None
    place: str | None = None
    hash_field: str | None = None


class WriteLogstores(beam.PTransform[Any, Any]):
    """Writes logs to targets and hands **one** element, ``{target: [DataFile, …]}``, to a committer. Gives what that returns.

    The input is a mapping of target → PCollection[LogGroup], or a PCollection of (target, LogGroup) pairs, or a list of those, where the
    target is a name of ``targets`` or a `Destination`. Each PCollection is written where it comes from: flattening logs first would send
    all of them through the runner. All targets are in the element, those without logs too, even when there is no log at all.

    A bundle that is tried again leaves invisible files behind. A committer may be called again with the same files: it must commit
    with an AppTransaction (`CommitTargets`), or only save the list for the launcher to commit (`SaveFiles`, `load_files`).

    Args:
        targets: the Logstores that logs may go to.
        committer: ``committer(files)``; travels to a worker.
        origin: under which the logs are written whose `Destination` names none.
    """

    def __init__(self, targets: Mapping[str, LogstoreDescriptor], committer: Callable[[Files], Any], *, origin: str | None = None) -> None:
        super().__init__()
        self._targets = dict(targets)
        self._committer = committer
        self._origin = origin

    def expand(self, groups: Any) -> PCollection[Any]:
        _refuse_nothing(groups)
        written = groups | "Write" >> WriteDataFiles(self._targets, origin=self._origin)
        # Without any log, too, there is something to commit: origins may lose theirs.
        nothing: Files = {target: [] for target in self._targets}
        none = written[0].pipeline | "No files" >> beam.Create([nothing]).with_output_types(Files)
        return (  # type: ignore[no-any-return]
            (*written, none)
            | "Files" >> beam.Flatten()
            | "To one place" >> beam.WithKeys(0).with_output_types(tuple[int, Files])
            | "Gather" >> beam.GroupByKey()
            | "In order" >> beam.Map(_gathered).with_output_types(Files)
            # What is committed must not change when the commit is tried again.
            | "Settle" >> beam.Reshuffle()
            | "Commit" >> beam.ParDo(_Commit(self._committer))
        )


class WriteDataFiles(beam.PTransform[Any, Any]):
    """Writes logs to targets, invisibly, as `WriteLogstores` does. Gives ``{target: [DataFile, …]}`` elements, a PCollection of them for
    each one given.

    Args:
        targets: the Logstores that logs may go to.
        origin: under which the logs are written whose `Destination` names none.
        keep: takes each element where it was written; then the PCollections are empty.
    """

    def __init__(
        self, targets: Mapping[str, LogstoreDescriptor], *, origin: str | None = None, keep: Callable[[Files], None] | None = None
    ) -> None:
        super().__init__()
        self._targets = dict(targets)
        self._origin = origin
        self._keep = keep

    def expand(self, groups: Any) -> tuple[PCollection[Files], ...]:
        _refuse_nothing(groups)
        if isinstance(groups, Mapping):
            for target in groups:
                _known(target, self._targets)
            parts = {
                f" for '{target}'": one | f"To '{target}'" >> beam.WithKeys(target).with_output_types(tuple[str, LogGroup])
                for target, one in groups.items()
            }
        elif isinstance(groups, Sequence):
            parts = {f" {number}": one for number, one in enumerate(groups, start=1)}
        else:
            parts = {"": groups}
        return tuple(self._written(part, name, len(parts)) for name, part in parts.items())

    def _written(self, pairs: PCollection[Any], name: str, writers: int) -> PCollection[Files]:
        write = _WriteFiles(self._targets, self._origin, writers, self._keep)
        written: PCollection[Files] = (
            pairs
            # Files of all windows are one commit.
            | f"Any window{name}" >> beam.WindowInto(GlobalWindows())
            | f"Write files{name}" >> beam.ParDo(write).with_output_types(Files)
        )
        return written


class CommitTargets:
    """A committer that makes the files of each target visible in one commit of it; gives the logs that became visible, by target.

    A repeat finds the commits made and changes nothing. A step that an earlier run committed brings no log, and counts none. A crash
    in between leaves some targets with their logs and others without: what must hold for all together is recorded first
    (`transforms.stores.commit_intent`).
    """

    def __init__(self, targets: Mapping[str, LogstoreDescriptor], app: AppTransaction, replaces: str | None = None) -> None:
        self._targets = dict(targets)
        self._app = app
        self._replaces = replaces

    def __call__(self, files: Files) -> dict[str, int]:
        rows = {}
        for target in sorted(files):
            store, found = open_logstore(self._targets[target]), files[target]
            if not store.commit(found, app=self._app, replaces=self._replaces).applied:
                visible = {file.path for file in store.snapshot().files}
                found = [file for file in found if file.path in visible]  # an earlier try of this very commit
            rows[target] = sum(file.rows for file in found)
        return rows


class SaveFiles:
    """A committer that commits nothing: it saves the list of files as JSON, under its name only when it is whole. Gives the path."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, files: Files) -> str:
        part = f"{self._path}.part"
        with FileSystems.create(part) as file:
            file.write(json.dumps(files_to_json(files), ensure_ascii=False).encode())
        FileSystems.rename([part], [self._path])
        return self._path


def load_files(path: str) -> dict[str, tuple[DataFile, ...]]:
    """What `SaveFiles` saved."""
    with FileSystems.open(path) as file:
        return files_from_json(json.loads(file.read()))


class _WriteFiles(beam.DoFn):
    def __init__(
        self,
        targets: Mapping[str, LogstoreDescriptor],
        origin: str | None,
        writers: int = 1,
        keep: Callable[[Files], None] | None = None,
    ) -> None:
        self._targets = targets
        self._origin = origin
        self._keep = keep
        self._share = max(BUFFER_BYTES // writers, LEAST_BYTES)
        self._pending: dict[Destination, list[LogGroup]] = {}
        self._bytes: dict[Destination, int] = {}
        self._held: dict[Destination, set[int]] = {}

    def start_bundle(self) -> None:
        self._pending, self._bytes, self._held = {}, {}, {}
        _writers.all.add(self)

    @property
    def waiting(self) -> int:
        """Bytes that wait to be written."""
        return sum(self._bytes.values())

    def process(self, element: tuple[str | Destination, LogGroup]) -> Iterable[Files]:
        place = element[0] if isinstance(element[0], Destination) else Destination(element[0])
        # A few logs of a group that was shared out would keep all of it in memory.
        group = element[1].trimmed()
        if not group.num_rows:
            return
        self._pending.setdefault(place, []).append(group)
        self._bytes[place] = self._bytes.get(place, 0) + group.added_bytes(self._held.setdefault(place, set()))
        # Bounded by bytes too: a runner may make one bundle of everything.
        if self._bytes[place] >= FILE_BYTES:
            yield from self._flush(place)
        while self.waiting >= self._share and _writers.waiting() >= BUFFER_BYTES:
            yield from self._flush(max(self._bytes, key=lambda each: self._bytes[each]))

    def finish_bundle(self) -> Iterable[WindowedValue]:
        for place in list(self._pending):
            yield from map(GlobalWindows.windowed_value, self._flush(place))

    def _flush(self, place: Destination) -> Sequence[Files]:
        groups = self._pending.pop(place)
        del self._bytes[place], self._held[place]
        with portable_errors():
            descriptor = _known(place.target, self._targets)
            store, origin = kept_logstore(descriptor), place.origin or self._origin
            written = {
                place.target: store.write_files(groups, shard=place.shard, place=place.place, hash_field=place.hash_field, origin=origin)
            }
        if self._keep is None:
            return (written,)
        self._keep(written)
        return ()


class _Commit(beam.DoFn):
    def __init__(self, committer: Callable[[Files], Any]) -> None:
        self._committer = committer
        self._rows = Metrics.counter("logsluice", "log_rows_written")

    def process(self, files: Files) -> Iterable[Any]:
        with portable_errors():
            done = self._committer(files)
        self._rows.inc(sum(file.rows for found in files.values() for file in found))
        yield done


def _refuse_nothing(groups: Any) -> None:
    if isinstance(groups, Mapping) and not groups:
        raise ParameterInvalid("there are no logs to write: the mapping of target to logs is empty")


def _known(target: str, targets: Mapping[str, LogstoreDescriptor]) -> LogstoreDescriptor:
    if target not in targets:
        raise NotFound(f"there are logs for the unknown target {target!r}", hint=suggestion(target, targets, "target"))
    return targets[target]


def _gathered(gathered: tuple[int, Iterable[Files]]) -> Files:
    files: Files = {}
    for part in gathered[1]:
        for target, found in part.items():
            files.setdefault(target, []).extend(found)
    return {target: sorted(files[target], key=lambda file: file.path) for target in sorted(files)}
