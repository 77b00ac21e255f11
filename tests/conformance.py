"""Binds worked cases, kept outside the project, to its public API: one function for each suite of cases."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.query import plan_statement, run_in_process
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.core.log_group import LogGroup
from transforms.sql.planner import PlanOptions
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.index import FieldIndex, FullTextIndex, Index
from transforms.stores.logstore import LogstoreDescriptor, metricstore_descriptor
from transforms.stores.metricstore import TABLE_SUFFIX
from transforms.stores.shard import even_shards

NOW_US = 1_700_000_000_000_000
_INDEX_TYPES = {"long", "double", "text", "json"}


def run_query(
    statement: str, logs: Sequence[Mapping[str, Any]], index: Mapping[str, Any], tables: Mapping[str, Sequence[Mapping[str, Any]]],
    table_columns: Mapping[str, Sequence[str]], *, from_: int | None, to: int | None, timezone: str | None, logstore: str | None,
    engine: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Run one statement over logs and tables of its own, in a home of its own."""
    folder = Path(tempfile.mkdtemp(prefix="logsluice-case-"))
    home = Home.create(folder / "home")
    try:
        name, metrics = (logstore or "current").removesuffix(TABLE_SUFFIX), (logstore or "").endswith(TABLE_SUFFIX)
        source = _metricstore(home, name) if metrics else _logstore(home, name, _index_of(index))
        if metrics:  # the cases' "id" is a handle and no part of the sample
            logs = [{key: value for key, value in log.items() if key != "id"} for log in logs]
        source.append([_group(logs)] if logs else [])
        kinds = {table: _make_table(home, folder, table, tables.get(table) or (), table_columns.get(table))
                 for table in {*tables, *table_columns}}  # fmt: skip
        options = PlanOptions(time_zone=timezone or "+08:00", now_us=NOW_US, limit=1_000_000)
        plan = plan_statement(home, DEFAULT_PROJECT, name, statement, Interval.of(from_, to), options)
        result = _run(plan, engine).rows
        columns = ["rows"] if plan.insert is not None else [column.name for column in plan.output]
        rows = [dict(zip(columns, row, strict=True)) for row in result.plain()]
        if plan.kind == "search":
            rows = [{key: value for key, value in row.items() if value is not None} for row in rows]
        return {"rows": rows, "tables": {table: _rows_of(home, table, kind, table_columns.get(table)) for table, kind in kinds.items()}}
    finally:
        home.close()
        shutil.rmtree(folder, ignore_errors=True)


def run_rule(rule: str, events: Sequence[Mapping[str, str]], resources: Mapping[str, Any]) -> dict[str, Any]:
    """Run one rule over some events; ``__time__`` is a field like any other."""
    from tests.rules.worked_cases import run_rule as run

    return run(rule, events, resources)


def run_consumer(
    shards: int | Sequence[Mapping[str, Any]], timeout: int, order: bool, events: Sequence[Mapping[str, Any]],
    samples: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """Run events on the consumer groups of one Logstore, on the state machine alone."""
    from tests.consumers.worked_cases import run_consumer as run

    return run(shards, timeout, order, events, samples)


def run_schedule(
    config: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: str, timezone: str, run_duration: int,
    run_durations: Mapping[str, int], attempts: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[dict[str, Any]]:  # fmt: skip
    """The instances of a task at a moment, under a clock that jumps."""
    from tests.schedule.worked_cases import run_schedule as run

    return run(config, events, now, timezone, run_duration, run_durations, attempts)


def _run(plan: Any, engine: str | None) -> Any:
    if engine in (None, "embedded"):
        return run_in_process(plan, now_seconds=NOW_US // 1_000_000)
    if engine == "beam":
        from pipelines.association_query import run_plan
        from pipelines.launch import options_of

        return run_plan(plan, options_of(["--runner", "DirectRunner"]), now_seconds=NOW_US // 1_000_000)
    raise ParameterInvalid(f"unknown engine {engine!r}", hint="known engines: embedded, beam")


def _index_of(given: Mapping[str, Any]) -> Index:
    full_text, fields = None, {}
    leaves: dict[str, dict[str, FieldIndex]] = {}
    for name, settings in given.items():
        if isinstance(settings, str):
            settings = {"type": settings}
        if name == "__line__":
            # The cases' "id" is a handle and no part of the log.
            full_text = FullTextIndex(
                "".join(settings["token"]) if "token" in settings else FullTextIndex.delimiters,
                bool(settings.get("caseSensitive", False)), exclude=("id",), exclude_indexed=bool(settings.get("exclude_indexed", False)),
            )  # fmt: skip
            continue
        field = FieldIndex(
            settings["type"],
            "".join(settings["token"]) if "token" in settings else FieldIndex.delimiters,
            bool(settings.get("caseSensitive", False)),
        )
        parent, dot, path = name.partition(".")
        if dot and _is_json(given.get(parent, "json")):
            leaves.setdefault(parent, {})[path] = field
        else:
            fields[name] = field
    for parent, known in leaves.items():
        fields[parent] = FieldIndex("json", leaves=known, analysable=parent in given)
    return Index(full_text, fields)


def _is_json(settings: Any) -> bool:
    return (settings if isinstance(settings, str) else settings.get("type")) == "json"


def _group(logs: Sequence[Mapping[str, Any]]) -> LogGroup:
    seconds, fields = [], []
    for log in logs:
        seconds.append(int(log.get("__time__", NOW_US // 1_000_000)))
        fields.append({name: _text(value) for name, value in log.items() if name != "__time__" and value is not None})
    return LogGroup.from_logs(fields, seconds)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _logstore(home: Home, name: str, index: Index | None) -> Any:
    return home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, name, "", even_shards(1), index))


def _metricstore(home: Home, name: str) -> Any:
    return home.create_logstore(metricstore_descriptor(DEFAULT_PROJECT, name, "", even_shards(1)))


def _make_table(home: Home, folder: Path, name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None) -> str:
    if columns and all(column.split()[1] in _INDEX_TYPES for column in columns):
        store = _logstore(home, name, _index_of(dict(column.split(maxsplit=1) for column in columns)))
        if rows:
            store.append([_group(rows)])
        return "logstore"
    if columns is None:
        names = list(dict.fromkeys(key for row in rows for key in row))
        columns = [f"{key} {_sql_type([row.get(key) for row in rows])}" for key in names]
    path = folder / "tables.sqlite"
    connection = sqlite3.connect(path)
    with connection:
        declared = ", ".join('"{}" {}'.format(*column.split(maxsplit=1)) for column in columns)
        connection.execute(f'create table "{name}" ({declared})')
        for row in rows:
            connection.execute(f'insert into "{name}" values ({", ".join("?" * len(columns))})', [row.get(c.split()[0]) for c in columns])
    connection.close()
    descriptor = ExternalStoreDescriptor(name, "sqlite", {"db": str(path), "table": name})
    home.catalogue().create_external_store(DEFAULT_PROJECT, descriptor)
    return "table"


def _sql_type(values: Sequence[Any]) -> str:
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int) for value in known):
        return "bigint"
    if known and all(isinstance(value, int | float) for value in known):
        return "double"
    return "text"


def _rows_of(home: Home, name: str, kind: str, columns: Sequence[str] | None) -> list[dict[str, Any]]:
    if kind == "table":
        store = home.open_external_store(DEFAULT_PROJECT, name)
        names = [column.name for column in store.columns()]
        return [dict(zip(names, _plain(row.values()), strict=True)) for batch in store.read(names) for row in batch.to_pylist()]
    types = dict(column.split(maxsplit=1) for column in columns or ())
    cast = {"long": int, "double": float}
    return [
        {key: cast.get(types.get(key, "text"), str)(value) for key, value in log.items()}
        for group in home.open_logstore(DEFAULT_PROJECT, name).read()
        for log in group.to_logs()
    ]


def _plain(values: Any) -> list[Any]:
    from transforms.sql.values import plain_value

    return [None if isinstance(value, float) and math.isnan(value) else plain_value(value) for value in values]
