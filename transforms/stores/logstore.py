"""The Logstore port: what any keeper of logs must do. Adapters: `transforms.connectors.delta`, `transforms.connectors.memory`.

Life of a log: a writer turns LogGroups into **data files** (durable but invisible), one committer makes files visible in one
atomic **commit**, readers take a **snapshot** and read the files it lists. A killed writer leaves files nobody sees.

Exactly once: a commit may carry an `AppTransaction`. A store refuses to make a version visible that is not higher than the
last one of the same ``app_id`` (it answers with ``applied=False``), so a repeated commit changes nothing.

Run again: logs may be written under an **origin**, a short text that names what made them (an instance, a job's range). A
commit may replace origins: what was written under them becomes invisible in the step that makes the new files visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from transforms.core.errors import ParameterInvalid
from transforms.core.interval import ALL_TIME, Interval
from transforms.stores.index import Index
from transforms.stores.metricstore import METRIC_INDEX
from transforms.stores.shard import Shard
from transforms.stores.sharded_store import ShardedStore

if TYPE_CHECKING:
    # Names of stores are read and listed without Arrow, whose import takes 0.2 s.
    from transforms.core.log_group import LogGroup

__all__ = [
    "MAX_ORIGIN_BYTES",
    "AppTransaction",
    "Commit",
    "CommitStep",
    "DataFile",
    "FileAccess",
    "Logstore",
    "LogstoreDescriptor",
    "MaintenanceReport",
    "Snapshot",
    "TailBatch",
    "Telemetry",
    "check_apps",
    "checked_origins",
    "metricstore_descriptor",
]

MAX_ORIGIN_BYTES = 512

Telemetry = Literal["logs", "metrics"]
"""What a store keeps: any logs, or samples of metrics alone (`transforms.stores.metricstore`)."""


@dataclass(frozen=True)
class LogstoreDescriptor:
    """Everything a worker needs to read or write a Logstore, and no secret.

    ``shards`` are those it was made with; which it has now, the store itself knows (`ShardedStore.shard_map`).
    ``location`` is a folder or an object-store URL; ``storage_options`` values may be references (``env:NAME``, ``file:PATH``)
    that are resolved where the store is opened. A Metricstore is a Logstore whose ``telemetry`` is ``metrics``.
    """

    project: str
    name: str
    location: str
    shards: tuple[Shard, ...]
    index: Index | None = None
    retention_days: int | None = None
    storage_options: Mapping[str, str] = field(default_factory=dict)
    kind: str = "delta"
    telemetry: Telemetry = "logs"


@dataclass(frozen=True)
class AppTransaction:
    """Who commits (``app_id``: a job, an import lane) and which of its steps (``version``, rises)."""

    app_id: str
    version: int


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of logs of one shard, sorted by event time.

    Attributes:
        path: what an engine opens: an absolute path or a URL.
        size: bytes.
        rows: number of logs.
        shard: the shard's id.
        time_min, time_max: least and greatest ``__time__``, whole seconds, both included.
        receive_time: microseconds, the same for all logs of the file; None before its commit, and for files that compaction
            made from several commits, which carry the column ``~receive_time`` instead.
        typed: (field, ``long`` | ``double``) pairs whose typed columns the file has beside the text.
        origin: under which all logs of the file were written; None when there is none, or when compaction mixed several.
        origins: the least and the greatest origin in a file that compaction mixed, None in others.
        place: where all its logs belong in the MD5 space, 32 hexadecimal digits; None when they may go to any shard. Before the commit.
        hash_field: the field whose value says where each log belongs; None when none does. Before the commit.
    """

    path: str
    size: int
    rows: int
    shard: int
    time_min: int
    time_max: int
    receive_time: int | None = None
    typed: tuple[tuple[str, str], ...] = ()
    origin: str | None = None
    origins: tuple[str, str] | None = None
    place: str | None = None
    hash_field: str | None = None

    def may_hold(self, origin: str) -> bool:
        """Whether logs of an origin may be in the file; for a mixed one only its rows tell."""
        return self.origin == origin or (self.origins is not None and self.origins[0] <= origin <= self.origins[1])


class FileAccess(Protocol):
    """How data files are opened that lie where engines cannot look. A value: travels to workers, holds references, no secret."""

    def file_system(self) -> Any:
        """An Arrow file system; references are resolved now. Raises ParameterInvalid for one that cannot be had."""
        ...

    def relative(self, file: DataFile) -> str:
        """The file's path in that file system."""
        ...


@dataclass(frozen=True)
class Commit:
    """The answer to a commit. ``applied`` is False when the app transaction had been made before: nothing changed."""

    version: int
    receive_time: int
    applied: bool
    previous_app_version: int | None = None
    """The app's version on the snapshot the commit was made on; None when it had none or no app was given."""
    replaced: tuple[str, ...] = ()
    """Those of the origins to replace that had logs."""


@dataclass(frozen=True)
class CommitStep:
    """One of several steps, each an app's of its own, that one commit makes visible: see `Logstore.commit` for the three."""

    files: Sequence[DataFile]
    app: AppTransaction
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """A Logstore at one version: the files to read and the fields that exist.

    Attributes:
        version: the version that was read.
        files: those that may hold logs of the interval asked for, in commit order.
        files_total, rows_total, bytes_total: before pruning.
        fields: names of the fields that have a column of their own.
        has_overflow: whether some logs keep rare fields in the overflow column.
        access: how an engine opens the files; None when their paths are all it needs.
        received: (a moment before which no log was received, receive time of the newest log), microseconds, of the whole store. Every
            log that becomes visible later has a later receive time than the second.
    """

    version: int
    files: tuple[DataFile, ...]
    files_total: int
    rows_total: int
    bytes_total: int
    fields: tuple[str, ...]
    has_overflow: bool = False
    access: FileAccess | None = None
    received: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class TailBatch:
    """Logs that one commit added: its version (pass it back to go on after it) and its files' logs in order.

    A commit may be larger than memory: ``groups`` reads as it is iterated, each time anew, and may then raise like `Logstore.tail`.
    ``replaced`` are the origins whose earlier logs the commit made invisible: a reader that mirrors the store drops those first.
    """

    version: int
    receive_time: int
    groups: Iterable[LogGroup]
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True)
class MaintenanceReport:
    """What compaction, vacuum or retention did."""

    files_removed: int = 0
    files_added: int = 0
    rows: int = 0
    bytes_removed: int = 0
    bytes_added: int = 0


class Logstore(ShardedStore, Protocol):
    """One Logstore, open. Safe to use from many processes at once; an instance belongs to one thread."""

    descriptor: LogstoreDescriptor

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
        """Make logs durable without making them visible.

        Each file holds one shard: ``shard`` when given; else the one whose range has the MD5 of the text ``hash_key``, or ``place`` (up
        to 32 hexadecimal digits), or the MD5 of each log's own value of ``hash_field``; else, and for logs without that field, the shard
        the store balances to. At most one of the four is given. ``origin`` stays with the logs, through compaction too. Raises NotFound
        with code ``ShardNotExist``, UserError with code ``ShardReadOnly`` for a retired shard, ParameterInvalid for an origin that is
        empty or too long (`MAX_ORIGIN_BYTES`), and in a Metricstore for logs that are no samples.
        """
        ...

    def commit(
        self,
        files: Sequence[DataFile],
        *,
        app: AppTransaction | None = None,
        remove: Sequence[DataFile] = (),
        replaces: str | Sequence[str] | None = None,
    ) -> Commit:
        """Make ``files`` visible, ``remove`` and all logs of the origins ``replaces`` invisible, in one step.

        Files of a shard that was split or merged since they were written go to the shards that took over: each where its logs belong, if
        that was told, else to any of them. An empty commit with ``app`` only fences. Logs of other origins in the same files stay, with
        their receive times, and no tail sees them again. Raises CommitConflict when the retries are used up, StoreRejected when a file to
        remove is not there any more.
        """
        ...

    def commit_steps(self, steps: Sequence[CommitStep]) -> Sequence[Commit]:
        """Make everything visible, in one commit, of the steps whose app's version is not there yet; an answer for each step.

        The files of a step that is there already may be gone. Raises like `commit`, then nothing of any step became visible, and
        ParameterInvalid for two steps of one app.
        """
        ...

    def append(
        self,
        groups: Iterable[LogGroup],
        *,
        hash_key: str | None = None,
        app: AppTransaction | None = None,
        origin: str | None = None,
        replaces: str | Sequence[str] | None = None,
    ) -> Commit:
        """`write_files` and `commit`."""
        ...

    def app_version(self, app_id: str) -> int | None:
        """The last version committed under an app id, or None."""
        ...

    def snapshot(self, times: Interval = ALL_TIME, *, received: Interval = ALL_TIME) -> Snapshot:
        """The newest version, pruned to files that may hold logs with ``__time__`` in ``times`` (seconds) and receive time in ``received`` (microseconds)."""
        ...

    def read(self, times: Interval = ALL_TIME, *, received: Interval = ALL_TIME, fields: Sequence[str] | None = None) -> Iterator[LogGroup]:
        """The logs of both intervals, exactly, file by file, bounded groups; with receive times. ``fields`` None = all."""
        ...

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
        """`read`, of some files of a snapshot taken before, whatever became visible or invisible since; of each file only one of
        ``parts`` shares of its logs. Raises StoreUnavailable for a file that was deleted meanwhile."""
        ...

    def tail(self, after_version: int) -> Iterator[TailBatch]:
        """What each commit after a version added and which origins it replaced, oldest first, up to now. Compactions are skipped.
        A version whose log has been cleaned away raises NotFound with code ``CursorExpired``."""
        ...

    def version(self) -> int:
        """The newest version."""
        ...

    def compact(self, *, min_files: int = 8) -> MaintenanceReport:
        """Rewrite small files of a shard together (when there are at least ``min_files``). Logs, order and receive times stay."""
        ...

    def vacuum(self, *, older_than_hours: float = 168.0) -> MaintenanceReport:
        """Delete data files that no version of that age or younger can see, those of killed writers too."""
        ...

    def expire(self, before: int) -> MaintenanceReport:
        """Make whole files with only logs older than ``before`` (``__time__``, seconds) invisible: retention."""
        ...

    def reindex(self, index: Index | None) -> MaintenanceReport:
        """Rewrite files whose typed columns differ from what an index asks for."""
        ...

    def set_index(self, index: Index | None) -> None:
        """Files written from now on through this object carry the typed columns of this index."""
        ...


def check_apps(app_ids: Sequence[str]) -> None:
    """Each step of a commit is another app's. Raises ParameterInvalid."""
    if len(set(app_ids)) < len(app_ids):
        twice = next(app_id for app_id in app_ids if app_ids.count(app_id) > 1)
        raise ParameterInvalid(f"two steps of one commit are of the app {twice!r}", hint="commit them one after the other")


def checked_origins(origins: str | Sequence[str] | None) -> tuple[str, ...]:
    """Origins as a tuple, each once. Raises ParameterInvalid for one that is empty, too long or not Unicode."""
    given = (origins,) if isinstance(origins, str) else tuple(dict.fromkeys(origins or ()))
    for origin in given:
        if not 0 < len(origin.encode("utf-8", "surrogatepass")) <= MAX_ORIGIN_BYTES:
            raise ParameterInvalid(
                f"an origin has 1 to {MAX_ORIGIN_BYTES} bytes of text; {origin[:40]!r} has {len(origin.encode('utf-8', 'surrogatepass'))}"
            )
        if origin.encode("utf-8", "replace").decode("utf-8") != origin:
            raise ParameterInvalid(f"the origin {origin!r} is not valid Unicode")
    return given


def metricstore_descriptor(
    project: str, name: str, location: str, shards: tuple[Shard, ...], retention_days: int | None = None,
    storage_options: Mapping[str, str] | None = None,
) -> LogstoreDescriptor:  # fmt: skip
    """What a new Metricstore is: as a Logstore, with the index of all Metricstores."""
    return LogstoreDescriptor(
        project, name, location, shards, METRIC_INDEX, retention_days, dict(storage_options or {}), telemetry="metrics"
    )
