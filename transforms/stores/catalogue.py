"""The Catalogue port: projects, Logstores and ExternalStores by name. Logstores and ExternalStores share one name space.

Adapter: `transforms.connectors.sql_catalogue` (SQLAlchemy: SQLite by default, MySQL by URL).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.index import Index
from transforms.stores.logstore import LogstoreDescriptor, Telemetry
from transforms.stores.transform_ledger import TransformRun

__all__ = ["Catalogue", "ImportRun", "Page"]


@dataclass(frozen=True)
class Page:
    """One page of names and how many there are in all."""

    names: tuple[str, ...]
    total: int


@dataclass(frozen=True)
class ImportRun:
    """What the ledger knows of one import: enough to go on after a crash without losing or doubling a log.

    Attributes:
        id: digest of the import's arguments and of the identity of its files.
        logstore: the target's name.
        lane: number of the app id ``import-LANE`` this run commits under; no other unfinished run of the Logstore has it.
        version: the app version of the last intent (0 = none yet).
        start: opaque position from which that intent's batch was read; ``end``: the position after it.
        finished: all input has been committed.
        summary: counters to show again when a finished import is repeated.
    """

    id: str
    logstore: str
    lane: int
    version: int
    start: Mapping[str, Any]
    end: Mapping[str, Any]
    finished: bool
    summary: Mapping[str, Any]


class Catalogue(Protocol):
    """All names of one home. Each method is one transaction; safe under concurrent processes.

    Errors: NotFound with code ``ProjectNotExist``, ``LogStoreNotExist`` or ``ExternalStoreNotExist`` and the nearest name as hint;
    AlreadyExists with code ``ProjectAlreadyExist`` or ``LogStoreAlreadyExist``; ParameterInvalid for a name that breaks the rules.
    """

    def create_project(self, project: str, description: str = "") -> None: ...
    def list_projects(self) -> tuple[str, ...]: ...
    def delete_project(self, project: str) -> None: ...

    def create_logstore(self, descriptor: LogstoreDescriptor) -> None: ...
    def logstore(self, project: str, name: str) -> LogstoreDescriptor: ...
    def every_logstore(self) -> Sequence[LogstoreDescriptor]:
        """Logstores and Metricstores of all projects, sorted by project and name. One question, cheap to ask again."""
        ...

    def list_logstores(
        self, project: str, pattern: str = "", offset: int = 0, size: int = -1, *, telemetry: Telemetry | None = None
    ) -> Page:
        """Names of those that keep ``telemetry`` (None = Logstores and Metricstores), as `list_external_stores` cuts them."""
        ...

    def update_logstore(self, project: str, name: str, *, retention_days: int | None, index: Index | None) -> LogstoreDescriptor:
        """Replace retention and index (None = keep all days, no index)."""
        ...

    def delete_logstore(self, project: str, name: str) -> LogstoreDescriptor: ...

    def create_external_store(self, project: str, descriptor: ExternalStoreDescriptor) -> None: ...
    def external_store(self, project: str, name: str) -> ExternalStoreDescriptor: ...
    def list_external_stores(self, project: str, pattern: str = "", offset: int = 0, size: int = -1) -> Page:
        """Names that contain ``pattern``, sorted, from ``offset``, at most ``size`` (−1 = all)."""
        ...

    def update_external_store(self, project: str, descriptor: ExternalStoreDescriptor) -> None: ...
    def delete_external_store(self, project: str, name: str) -> None: ...

    def start_import(self, project: str, logstore: str, import_id: str) -> ImportRun:
        """The run of this id; a new one takes the lowest free lane and that lane's last version."""
        ...

    def record_import(self, project: str, run: ImportRun) -> None:
        """Store an intent, or the end, of a run (by ``id``). A finished run frees its lane.

        Raises CommitConflict when another process is ahead with the same run (a higher version, another intent of this version,
        finished), NotFound with code ``ImportNotExist`` when the run was forgotten.
        """
        ...

    def forget_import(self, project: str, logstore: str, import_id: str) -> None:
        """Let the same arguments start anew. The lane's version stays and only rises."""
        ...

    def list_imports(self, project: str, logstore: str) -> Sequence[ImportRun]: ...

    def start_transform(self, project: str, run: TransformRun, *, finished: int | None = None) -> TransformRun:
        """Begin a run of a job: gives it the job's next number; runs that are still running have failed from then on.

        Raises CommitConflict: with code ``TransformCommitting`` while an earlier run is committing; with ``TransformPlanOutdated`` when
        not ``finished`` runs have finished, because the new one was planned before another did."""
        ...

    def record_transform(self, project: str, run: TransformRun) -> None:
        """Store how far a run is (by job and number); one that has finished or failed stays as it is, if the same is told again.
        Raises CommitConflict with code ``TransformTakenOver`` when a newer run of the job has begun before this one's intent was
        recorded, NotFound for an unknown run."""
        ...

    def list_transforms(self, project: str, job: str) -> Sequence[TransformRun]:
        """All runs of a job, oldest first."""
        ...

    def list_transform_jobs(self, project: str) -> Sequence[str]:
        """Names of the jobs that ever ran, sorted."""
        ...

    def close(self) -> None: ...
