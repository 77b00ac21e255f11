"""The plan of a statement: one value that `explain` prints and both executors run.

It names what will be read (files after pruning, columns, the filter that goes into the scan, ExternalStore reads with what is
pushed to the database), the statements the engine gets, and the reasons. It holds no secret and pickles to a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from transforms.core.interval import Interval
from transforms.sql.beam_sql import BeamSql
from transforms.sql.phases import Phases
from transforms.sql.scan import LogScan
from transforms.stores.external_store import Condition, ExternalStoreDescriptor
from transforms.stores.logstore import DataFile, LogstoreDescriptor

__all__ = ["ExternalRead", "InsertInto", "KeyPush", "OutputColumn", "QueryPlan", "ScanTask", "external_name"]


def external_name(store: str) -> str:
    """The relation's name of an ExternalStore inside the engine."""
    return f"~ext:{store}"


@dataclass(frozen=True)
class OutputColumn:
    """A column of the result: its name and its SQL type."""

    name: str
    sql_type: str


@dataclass(frozen=True)
class KeyPush:
    """Read only the rows of a big ExternalStore whose key occurs in the logs.

    ``keys_sql`` lists the distinct keys over ``"~log"``; when there are more than ``at_most`` the whole table is read after all.
    """

    column: str
    keys_sql: str
    at_most: int


@dataclass(frozen=True)
class ExternalRead:
    """One reading of an ExternalStore: the columns that are used and the conditions the database applies."""

    descriptor: ExternalStoreDescriptor
    columns: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    keys: KeyPush | None = None
    estimated_rows: int | None = None

    def conditions_with(self, keys: Sequence[Any] | None) -> tuple[Condition, ...]:
        """The conditions for the database, with the join keys when they are known and few enough."""
        if self.keys is None or keys is None or len(keys) > self.keys.at_most:
            return self.conditions
        return (*self.conditions, Condition(self.keys.column, "in", tuple(keys)))


@dataclass(frozen=True)
class InsertInto:
    """Where ``insert into`` writes: an ExternalStore by position, or a Logstore's named fields."""

    external: ExternalStoreDescriptor | None = None
    logstore: LogstoreDescriptor | None = None
    columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        target = self.external or self.logstore
        return target.name if target is not None else ""


@dataclass(frozen=True)
class ScanTask:
    """Files that one worker reads in one go."""

    number: int
    files: tuple[DataFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class QueryPlan:
    """What will be done for one statement.

    Attributes:
        statement: as the user wrote it; ``search`` its parsed search, canonical; ``sql`` the whole statement in the engine's words.
        kind: ``search`` (raw logs), ``select`` or ``insert``.
        logstore: the source's name; ``version`` the version of it that is read; ``received_us`` the receive time of its newest log.
        times: the interval of ``__time__``, Unix seconds.
        scan: how ``"~log"`` is made of files.
        files: the files to read; ``files_total``, ``rows_total``: before pruning.
        external: ExternalStores that are read.
        phases: the statement per scan task and the merge.
        tasks: the files cut into scan tasks, for executors with workers.
        output: the result's columns.
        insert: the target of ``insert into``.
        settings: engine session settings; ``functions``: names to install.
        fills_times: ``sql`` holds the ends of ``times`` itself; otherwise only the scan knows them.
        reasons: why it is planned so; ``warnings``: what the user should know.
        beam: the statement for Beam's own SQL, when it was planned for that engine.
    """

    statement: str
    search: str
    sql: str
    kind: Literal["search", "select", "insert"]
    logstore: str
    version: int
    times: Interval
    scan: LogScan
    files: tuple[DataFile, ...]
    files_total: int
    rows_total: int
    external: tuple[ExternalRead, ...]
    phases: Phases
    tasks: tuple[ScanTask, ...]
    output: tuple[OutputColumn, ...]
    insert: InsertInto | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()
    reads_log: bool = True
    received_us: int = 0
    fills_times: bool = False
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    beam: BeamSql | None = None

    @property
    def rows_to_read(self) -> int:
        """Logs in the files that are left after pruning."""
        return sum(file.rows for file in self.files)

    @property
    def bytes_to_read(self) -> int:
        """Bytes of the files that are left after pruning."""
        return sum(file.size for file in self.files)
