"""What rules load from outside: job parameters, tables, files, lookup services. The port; adapters are elsewhere.

Everything is loaded once per process and shared by all events; a source that refreshes itself gives a newer object between two
batches, never within one. A source that cannot be loaded the first time is waited for; a refresh that fails keeps what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from transforms.core.errors import LogsluiceError, NotFound

__all__ = ["FileRequest", "LogstoreRequest", "NoResources", "ResourcesFactory", "RuleResources", "SqlRequest", "TableData"]


Make = Callable[["TableData", Any], Any]
"""Makes something of rows; the second argument is what it made of older ones, or None."""


@dataclass(frozen=True)
class TableData:
    """Rows of text, as a resource gives them.

    ``table`` is an Arrow table of text columns in source order (null = SQL NULL or an absent field); ``version`` rises with each
    refresh. What is made of the rows lives and ends with them.
    """

    table: Any
    version: int = 0
    _made: dict[Hashable, tuple[Make, Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def made(self, what: Hashable, make: Make) -> Any:
        """What ``make`` gives for these rows, made once; ``what`` is all that says how it is made."""
        kept = self._made.get(what)
        if kept is None:
            kept = self._made[what] = (make, make(self, None))
        return kept[1]

    def follow(self, older: TableData) -> None:
        """Make of these rows all that was made of older ones: who refreshes does so before anybody waits for it."""
        for what, (make, thing) in list(older._made.items()):
            # Who asks for what cannot be made of these rows is told why.
            with suppress(LogsluiceError, TypeError, ValueError):
                self._made[what] = (make, make(self, thing))


@dataclass(frozen=True)
class SqlRequest:
    """Arguments of ``res_rds_mysql``. ``fields`` are (column, name) pairs, None = all; ``password`` may be a reference.

    Rows whose ``deleted_flag_key`` says so may be left in: the function takes them out, and of rows with the same primary key all but the
    last. ``update_time_key`` need not be among ``fields``; who refreshes by it selects it besides and does not give it.
    """

    address: str
    username: str
    password: str = field(repr=False)
    database: str
    table: str | None = None
    sql: str | None = None
    fields: tuple[tuple[str, str], ...] | None = None
    refresh_interval: float = 0
    base_retry_back_off: float = 1
    max_retry_back_off: float = 60
    primary_keys: tuple[str, ...] = ()
    use_ssl: bool = False
    update_time_key: str | None = None
    deleted_flag_key: str | None = None
    connector: str = "mysql"


@dataclass(frozen=True)
class LogstoreRequest:
    """Arguments of ``res_log_logstore_pull``. ``fields`` are (field, name) pairs; times are Unix seconds of receive time, both included,
    None = open. The function filters logs and keeps the newest of each key; the port only reads."""

    project: str
    logstore: str
    fields: tuple[tuple[str, str], ...]
    from_time: int | None = None
    to_time: int | None = None
    follow: bool = False
    """Go on reading what comes later."""
    fetch_interval: float = 2
    base_retry_back_off: float = 1
    max_retry_back_off: float = 60
    endpoint: str = ""


@dataclass(frozen=True)
class FileRequest:
    """Arguments of ``res_oss_file``; the access key may be a reference. The function decompresses and asks for the file as it is."""

    endpoint: str
    bucket: str
    file: str
    ak_id: str | None = field(default=None, repr=False)
    ak_key: str | None = field(default=None, repr=False)
    change_detect_interval: float = 0
    base_retry_back_off: float = 1
    max_retry_back_off: float = 60
    decompress: str | None = None


class RuleResources(Protocol):
    """Gives rules what their ``res_*`` functions and lookups ask for. Calls are cheap after the first with the same request."""

    def parameter(self, key: str) -> str | None:
        """A parameter of the job, or None."""
        ...

    def sql_table(self, request: SqlRequest) -> TableData:
        """Rows of a database. Raises StoreError, NotFound."""
        ...

    def logstore_table(self, request: LogstoreRequest) -> TableData:
        """Logs of a Logstore, oldest first, as rows. Raises NotFound."""
        ...

    def file(self, request: FileRequest) -> bytes:
        """A file's bytes; the same object until the file changes. Raises NotFound, StoreError."""
        ...

    def ip_database(self, name: str) -> bytes:
        """The bytes of an IP database that the job configures under a name (``SLS-GeoIP``). Raises NotFound."""
        ...

    def threat(self, category: str, value: str) -> Mapping[str, Any] | None:
        """What is known of an ``ip`` or ``domain``, or None."""
        ...


ResourcesFactory = Callable[[], RuleResources]
"""Makes resources in a worker process: hashable, picklable, without secrets (references resolve where it is called)."""


class NoResources:
    """No parameters, nothing to load: for rules that need none."""

    def parameter(self, key: str) -> str | None:  # noqa: ARG002 - whatever is asked for
        return None

    def sql_table(self, request: SqlRequest) -> TableData:
        raise NotFound(f"no database is configured for {request.database!r}", hint="run the rule in a job that has resources")

    def logstore_table(self, request: LogstoreRequest) -> TableData:
        raise NotFound(f"no Logstore {request.logstore!r} is at hand", hint="run the rule in a job that has resources")

    def file(self, request: FileRequest) -> bytes:
        raise NotFound(f"no file {request.file!r} is at hand", hint="run the rule in a job that has resources")

    def ip_database(self, name: str) -> bytes:
        raise NotFound(f"no IP database {name!r} is configured", hint="name a file of your own in the job's resources")

    def threat(self, category: str, value: str) -> Mapping[str, Any] | None:  # noqa: ARG002 - whatever is asked for
        raise NotFound("no threat intelligence is configured", hint="name a file of your own in the job's resources")
