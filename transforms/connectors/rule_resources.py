"""Resources of rules as a job configures them: parameters, files, databases, Logstores; loaded once in each process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.core.errors import NotFound
from transforms.core.secret import Secret, is_reference
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.rule_resources import FileRequest, LogstoreRequest, SqlRequest, TableData

__all__ = ["ConnectedResources", "ResourceSettings"]


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
    """

    parameters: tuple[tuple[str, str], ...] = ()
    files: str | None = None
    ip_databases: tuple[tuple[str, str], ...] = ()
    threat_intelligence: str | None = None
    logstores: tuple[tuple[str, LogstoreDescriptor], ...] = ()
    default_project: str = "default"
    pasted: tuple[tuple[str, str], ...] = ()

    def __hash__(self) -> int:
        return hash((self.parameters, self.files, self.ip_databases, self.threat_intelligence, tuple(key for key, _ in self.logstores)))

    def __call__(self) -> ConnectedResources:
        return ConnectedResources(self)


class ConnectedResources:
    """The port `transforms.stores.rule_resources.RuleResources` over real stores."""

    def __init__(self, settings: ResourceSettings) -> None:
        self._settings = settings
        self._parameters = dict(settings.parameters)

    def parameter(self, key: str) -> str | None:
        text = self._parameters.get(key)
        return Secret(text).reveal() if text is not None and is_reference(text) else text

    def sql_table(self, request: SqlRequest) -> TableData:
        raise NotFound(f"no database is configured for {request.database!r}")

    def logstore_table(self, request: LogstoreRequest) -> TableData:
        raise NotFound(f"no Logstore {request.logstore!r} is at hand")

    def file(self, request: FileRequest) -> bytes:
        raise NotFound(f"no file {request.file!r} is at hand")

    def ip_database(self, name: str) -> bytes:
        raise NotFound(f"no IP database {name!r} is configured")

    def threat(self, category: str, value: str) -> Mapping[str, Any] | None:
        raise NotFound("no threat intelligence is configured")
