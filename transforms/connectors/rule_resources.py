"""Resources of rules as a job configures them: parameters, files, databases, Logstores; loaded once in each process.

What refreshes does so in a thread of its own: events that pass meanwhile see what was loaded before, whole. Databases are MySQL and
MariaDB, PostgreSQL (where its driver is installed), and SQLite by an address ``sqlite:PATH``; a relative path is seen from the folder of
the resources' files. Times of a database are shown in UTC.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from transforms.connectors.rule_resources_refresh import Refreshed, Retry
from transforms.core.errors import NotFound
from transforms.core.secret import Secret, is_reference
from transforms.core.suggest import suggestion
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.rule_resources import FileRequest, LogstoreRequest, SqlRequest, TableData

if TYPE_CHECKING:
    from transforms.connectors.rule_resources_files import FileContent

__all__ = ["ConnectedResources", "FindLogstore", "ResourceSettings"]

FindLogstore = Callable[[str, str], LogstoreDescriptor]
"""(project, Logstore) → its descriptor. Raises NotFound."""
_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class ResourceSettings:
    """What a job gives its rule; travels to workers, holds references and no secret. Called, it makes the resources.

    Attributes:
        parameters: key → text or reference.
        files: folder or URL under which ``BUCKET/FILE`` lies.
        ip_databases: name → path or URL.
        threat_intelligence: path or URL of a JSON lines file.
        logstores: those that rules may pull, by ``PROJECT/LOGSTORE``.
        default_project: of Logstores that are named without one.
        pasted: name of a table, Logstore or file → CSV (or other) file that stands in for it, in previews.
        patience: seconds to wait for a source that does not answer when it is first asked; a job's are infinite.
    """

    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    files: str | None = None
    ip_databases: tuple[tuple[str, str], ...] = ()
    threat_intelligence: str | None = None
    logstores: tuple[tuple[str, LogstoreDescriptor], ...] = ()
    default_project: str = "default"
    pasted: tuple[tuple[str, str], ...] = ()
    patience: float = 30.0

    def __hash__(self) -> int:
        return hash((self.parameters, self.files, self.ip_databases, self.threat_intelligence, tuple(key for key, _ in self.logstores)))

    def __call__(self) -> ConnectedResources:
        return ConnectedResources(self)


class ConnectedResources:
    """The port `transforms.stores.rule_resources.RuleResources` over real stores, for all threads of a process.

    Args:
        settings: the job's.
        find_logstore: gives Logstores instead of the settings.
    """

    def __init__(self, settings: ResourceSettings, find_logstore: FindLogstore | None = None) -> None:
        self._settings = settings
        self._find_logstore = find_logstore
        self._parameters: dict[str, str] = {}
        self._given = dict(settings.parameters)
        self._pasted = dict(settings.pasted)
        self._things: dict[Hashable, Refreshed[Any]] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._find_logstore is not None:
            raise TypeError("the resources of a preview do not travel")
        return (ConnectedResources, (self._settings,))

    def parameter(self, key: str) -> str | None:
        if key not in self._parameters:
            text = self._given.get(key)
            if text is None:
                return None
            self._parameters[key] = Secret(text).reveal() if is_reference(text) else text
        return self._parameters[key]

    def sql_table(self, request: SqlRequest) -> TableData:
        return self._kept(request, self._sql_table)

    def logstore_table(self, request: LogstoreRequest) -> TableData:
        return self._kept(request, self._logstore_table)

    def file(self, request: FileRequest) -> bytes:
        content: bytes = self._kept(request, self._file).content
        return content

    def ip_database(self, name: str) -> bytes:
        known = dict(self._settings.ip_databases)
        if name not in known:
            raise NotFound(
                f"no IP database {name!r} is configured",
                hint=suggestion(name, known, "IP database") if known else "name a file of your own in the job's resources (ip_databases)",
            )
        return self._kept(("ip", name), lambda _key: self._read_once(known[name])).content

    def threat(self, category: str, value: str) -> Mapping[str, Any] | None:
        from transforms.connectors.rule_resources_files import threat_key, threat_of

        where = self._settings.threat_intelligence
        if where is None:
            raise NotFound(
                "no threat intelligence is configured", hint="name a file of your own in the job's resources (threat_intelligence)"
            )
        line = self._kept(("threats", where), lambda _key: self._threats(where)).get((category, threat_key(category, value)))
        return None if line is None else threat_of(line)

    def close(self) -> None:
        """End the refreshing; what is loaded stays."""
        with self._lock:
            things = list(self._things.values())
        for thing in things:
            thing.close(wait=1.0)

    def _kept(self, key: Any, make: Callable[[Any], Refreshed[_Thing]]) -> _Thing:
        """The thing of a key as it is now; made by who asks first, while the others wait for that one alone."""
        thing: Refreshed[_Thing] | None = self._things.get(key)
        if thing is None:
            with self._lock:
                thing = self._things.get(key)
                if thing is None:
                    thing = self._things[key] = make(key)
        return thing.get()

    def _retry(self, base: float = 1, most: float = 60) -> Retry:
        return Retry(base, most, self._settings.patience)

    def _once(self, name: str, load: Callable[[], _Thing]) -> Refreshed[_Thing]:
        return Refreshed(name, load, None, 0, self._retry())

    def _sql_table(self, request: SqlRequest) -> Refreshed[TableData]:
        from transforms.connectors.rule_resources_pasted import pasted_rows, stand_in

        table = request.table if request.sql is None else None
        path = stand_in(self._pasted, f"{request.database}.{table}", f"{request.database}/{table}", table or request.database)
        if path is not None:
            return self._once(f"the file {path}", lambda: pasted_rows(path, request.fields, lenient=False))
        from transforms.connectors.rule_resources_sql import SqlTable

        source = SqlTable(request, self._settings.files)
        retry = self._retry(request.base_retry_back_off, request.max_retry_back_off)
        return Refreshed(source.name, source.load, source.refresh, request.refresh_interval, retry)

    def _logstore_table(self, request: LogstoreRequest) -> Refreshed[TableData]:
        from transforms.connectors.rule_resources_pasted import pasted_rows, stand_in

        project = request.project or self._settings.default_project
        path = stand_in(self._pasted, f"{project}/{request.logstore}", request.logstore)
        if path is not None:
            return self._once(f"the file {path}", lambda: pasted_rows(path, request.fields, lenient=True))
        from transforms.connectors.rule_resources_logstore import LogstoreTable

        source = LogstoreTable(request, self._logstore(project, request.logstore))
        retry = self._retry(request.base_retry_back_off, request.max_retry_back_off)
        return Refreshed(source.name, source.load, source.refresh, request.fetch_interval if request.follow else 0, retry)

    def _logstore(self, project: str, name: str) -> LogstoreDescriptor:
        if self._find_logstore is not None:
            return self._find_logstore(project, name)
        known = dict(self._settings.logstores)
        if f"{project}/{name}" not in known:
            raise NotFound(
                f"there is no Logstore {project}/{name}",
                hint=suggestion(f"{project}/{name}", known, "Logstore") or "run the rule in a job that has Logstores",
                code="LogStoreNotExist",
            )
        return known[f"{project}/{name}"]

    def _file(self, request: FileRequest) -> Refreshed[FileContent]:
        from transforms.connectors.rule_resources_files import ChangingFile, place_of
        from transforms.connectors.rule_resources_pasted import stand_in

        path = stand_in(self._pasted, f"{request.bucket}/{request.file}", request.file)
        if path is not None:
            return self._read_once(path)
        source = ChangingFile(place_of(self._settings.files, request))
        retry = self._retry(request.base_retry_back_off, request.max_retry_back_off)
        return Refreshed(source.name, source.load, source.refresh, request.change_detect_interval, retry)

    def _read_once(self, where: str) -> Refreshed[FileContent]:
        from transforms.connectors.rule_resources_files import ChangingFile, file_at

        source = ChangingFile(file_at(where))
        return self._once(source.name, source.load)

    def _threats(self, where: str) -> Refreshed[dict[tuple[str, str], bytes]]:
        from transforms.connectors.rule_resources_files import ChangingFile, file_at, threats

        source = ChangingFile(file_at(where))
        return self._once(source.name, lambda: threats(source.load().content, where))
