"""Resources for tests that are about the rule language: what a rule asks for is given as plain values.

Keys: ``res_local`` {key: text}; ``res_oss_file`` {file: text or bytes}; ``res_rds_mysql`` [{"database", "table", "rows"}] and
``res_log_logstore_pull`` [{"project", "logstore", "rows"}] (a missing name matches any; a single mapping instead of the list is fine);
``ip_database`` {name: bytes}; ``threat_intelligence`` {value: mapping}; ``job`` {constant: text}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from transforms.core.errors import NotFound
from transforms.rules.context import Context
from transforms.stores.rule_resources import FileRequest, LogstoreRequest, SqlRequest, TableData


class StandInResources:
    """The resources of a worked example."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._tables: dict[Any, TableData] = {}
        self._files: dict[str, bytes] = {}

    def parameter(self, key: str) -> str | None:
        value = (self._given.get("res_local") or {}).get(key)
        return None if value is None else str(value)

    def sql_table(self, request: SqlRequest) -> TableData:
        entry = self._entry("res_rds_mysql", {"database": request.database, "table": request.table})
        return self._table(("sql", id(entry), request.fields), entry, request.fields)

    def logstore_table(self, request: LogstoreRequest) -> TableData:
        entry = self._entry("res_log_logstore_pull", {"project": request.project, "logstore": request.logstore})
        return self._table(("logstore", id(entry), request.fields), entry, request.fields)

    def file(self, request: FileRequest) -> bytes:
        files = self._given.get("res_oss_file") or {}
        if request.file not in files:
            raise NotFound(f"no file {request.file!r}")
        if request.file not in self._files:
            content = files[request.file]
            self._files[request.file] = content.encode() if isinstance(content, str) else content
        return self._files[request.file]

    def ip_database(self, name: str) -> bytes:
        databases = self._given.get("ip_database") or {}
        if name not in databases:
            raise NotFound(f"no IP database {name!r}")
        return bytes(databases[name])

    def threat(self, category: str, value: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = (self._given.get("threat_intelligence") or {}).get(value)
        return found

    def _entry(self, kind: str, names: Mapping[str, str | None]) -> Mapping[str, Any]:
        given = self._given.get(kind) or []
        for entry in [given] if isinstance(given, Mapping) else given:
            if all(entry.get(key) is None or value is None or entry[key] == value for key, value in names.items()):
                found: Mapping[str, Any] = entry
                return found
        raise NotFound(f"no rows for {kind} {dict(names)}")

    def _table(self, key: Any, entry: Mapping[str, Any], fields: tuple[tuple[str, str], ...] | None) -> TableData:
        if key not in self._tables:
            rows = entry["rows"]
            pairs = fields or tuple((name, name) for name in dict.fromkeys(name for row in rows for name in row))
            columns = {
                shown: pa.array([None if (value := row.get(name)) is None else str(value) for row in rows], pa.string())
                for name, shown in pairs
            }
            self._tables[key] = TableData(pa.table(columns))
        return self._tables[key]


def context_of(given: Mapping[str, Any]) -> Context:
    """A context with these resources."""
    return Context(resources=StandInResources(given), job=given.get("job") or {})
