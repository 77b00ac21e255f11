"""Runs worked statements on DuckDB alone: the logs become the relation "~log", tables become "~ext:NAME"."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from transforms.core.errors import LogsluiceError, QueryFailed
from transforms.core.interval import ALL_TIME, Interval
from transforms.sql.analysis import Analysis, analyse, explain_failure
from transforms.sql.functions.prelude import install
from transforms.sql.scope import LogColumn, Scope, log_columns_of
from transforms.sql.statement import split_statement
from transforms.stores.external_store import Column
from transforms.stores.index import DOUBLE_TEXT, LONG_TEXT, Index

_ARROW = {
    "bigint": pa.int64(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "map(varchar, varchar)": pa.map_(pa.string(), pa.string()),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "tinyint": pa.int8(),
    "decimal(10,2)": pa.decimal128(10, 2),
}


ENGINE = duckdb.connect()
"""One engine for all cases: opening one takes longer than a case."""


@dataclass
class World:
    """A connection with its tables, and the scope that describes them."""

    connection: Any
    scope: Scope
    rows: list[dict[str, Any]]


def index_of(given: dict[str, Any]) -> Index:
    keys: dict[str, Any] = {}
    for name, settings in given.items():
        if name == "__line__":
            continue
        settings = {"type": settings} if isinstance(settings, str) else {k: v for k, v in settings.items() if k != "exclude_indexed"}
        parent = name.split(".")[0]
        if (
            "." in name
            and isinstance(given.get(parent), (str, dict))
            and (given[parent] == "json" or (isinstance(given[parent], dict) and given[parent]["type"] == "json"))
        ):
            keys.setdefault(parent, {"type": "json"}).setdefault("json_keys", {})[name[len(parent) + 1 :]] = settings
        else:
            keys.setdefault(name, {}).update(settings)
    return Index.from_json({"keys": keys})


def _number(text: Any, kind: str) -> Any:
    if text is None:
        return None
    text = str(text)
    if kind == "bigint":
        return int(text) if re.match(LONG_TEXT, text) and -(2**63) <= int(text) < 2**63 else None
    return float(text) if re.match(DOUBLE_TEXT, text) else None


def _cell(log: dict[str, Any], column: LogColumn) -> Any:
    value = log.get(column.field)
    if value is None:
        return None
    if column.leaf is not None:
        try:
            value = json.loads(value)
            for part in column.leaf.split("."):
                value = value[part]
        except (ValueError, KeyError, TypeError):
            return None
        value = json.dumps(value) if isinstance(value, (dict, list, bool)) else value
    if column.sql_type.startswith("map"):
        return list(_labels(value).items())
    return str(value) if column.sql_type == "varchar" else _number(value, column.sql_type)


def _labels(value: Any) -> dict[str, Any]:
    """Labels as an object, as JSON, or as ``k#$#v|k#$#v``."""
    if isinstance(value, dict):
        return value
    if value.startswith("{"):
        return dict(json.loads(value))
    return dict(pair.split("#$#") for pair in value.split("|"))


def world_of(case: dict[str, Any]) -> World:
    index = index_of(case["index"])
    metrics = str(case.get("logstore", "")).endswith(".prom")
    columns = log_columns_of(index)
    if metrics:
        columns = tuple(LogColumn(c.name, "map(varchar, varchar)", c.field) if c.name == "__labels__" else c for c in columns)
    logs = case["logs"]
    low, high = case.get("from"), case.get("to")
    logs = [log for log in logs if (low is None or log.get("__time__", 0) >= low) and (high is None or log.get("__time__", 0) < high)]
    logs = [log for log in logs if _searched(case, log)]
    connection = ENGINE
    data = {column.name: pa.array([_cell(log, column) for log in logs], _ARROW[column.sql_type]) for column in columns}
    connection.register("~log", pa.table(data))
    external: dict[str, tuple[Column, ...]] = {}
    targets: dict[str, Index] = {}
    for name, rows in (case.get("tables") or {}).items():
        declared = (case.get("table_columns") or {}).get(name)
        if declared and any(each.split()[1] in ("long", "text", "json") for each in declared):
            targets[name] = Index.from_json({"keys": dict(each.split() for each in declared)})
            continue
        names = [each.split()[0] for each in declared] if declared else list(dict.fromkeys(key for row in rows for key in row))
        kinds = (
            [re.sub(r"\(.*", "", each.split()[1]) for each in declared]
            if declared
            else ["varchar" if any(isinstance(row.get(n), str) for row in rows) else "bigint" for n in names]
        )
        external[name] = tuple(Column(n, k, k, _ARROW[k]) for n, k in zip(names, kinds, strict=False))
        connection.register(
            f"~ext:{name}", pa.table({n: pa.array([row.get(n) for row in rows], _ARROW[k]) for n, k in zip(names, kinds, strict=False)})
        )
    scope = Scope(
        logstore=case.get("logstore", "log"),
        log_columns=columns,
        external=external.get,
        external_names=tuple(external),
        target_index=lambda name: targets.get(name, "absent"),
        time_zone=case.get("timezone", "+08:00"),
        interval=Interval.of(low, high) if low is not None or high is not None else ALL_TIME,
        now_us=1_700_000_000_000_000,
    )
    return World(connection, scope, logs)


def _searched(case: dict[str, Any], log: dict[str, Any]) -> bool:
    """Just enough of the search language for these statements: ``*``, ``key:word``, ``key = word``, ``key > n``."""
    search = split_statement(case["statement"]).search.strip()
    if search in ("", "*"):
        return True
    found = re.fullmatch(r"(\w+)\s*([:=>])\s*(\S+)", search)
    assert found, search
    value = log.get(found[1])
    if value is None:
        return False
    return float(value) > float(found[3]) if found[2] == ">" else str(value).casefold() == found[3].casefold()


def run(case: dict[str, Any]) -> tuple[Analysis, list[dict[str, Any]]]:
    """Analyse and execute; the rows as plain values."""
    world = world_of(case)
    analysis = analyse(split_statement(case["statement"]), world.scope)
    install(world.connection, analysis.uses)
    try:
        result = world.connection.execute(analysis.tree.sql(dialect="duckdb"))
        rows = result.fetchall()
    except duckdb.Error as error:
        raise explain_failure(str(error), analysis) from error
    names = [column.name for column in analysis.output]
    return analysis, [dict(zip(names, map(plain, row), strict=True)) for row in rows]


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03d}"
    if isinstance(value, (date, time)):
        return str(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return (type(one) is type(other) and math.isclose(one, other, rel_tol=1e-9)) or one == other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def problem_of(case: dict[str, Any]) -> str | None:
    """What is wrong with the answer to a case, None when it is right."""
    expected = case.get("expected")
    try:
        analysis, rows = run(case)
    except LogsluiceError as error:
        if case.get("error"):
            return None if error.code == case["error"] else f"refused with {error.code}: {error}"
        return f"{error.code}: {error}"
    except Exception as error:  # a crash is a miss, too
        return f"crash {type(error).__name__}: {str(error)[:300]}"
    if case.get("error"):
        return f"accepted, gave {rows}"
    if case["kind"] == "insert":
        wanted = (case.get("expected_tables") or {}).get(analysis.insert.name if analysis.insert else "")
        before = [] if wanted is None else case["tables"][analysis.insert.name] if analysis.insert else []
        rows = [*before, *[dict(zip(analysis.insert.columns, row.values(), strict=True)) for row in rows]] if analysis.insert else rows
        expected = wanted
    if expected is None or case.get("nondeterministic"):
        return None
    if case.get("ordered"):
        right = len(rows) == len(expected) and all(map(same, rows, expected))
    else:
        left = list(rows)
        right = len(rows) == len(expected)
        for wanted_row in expected:
            hit = next((i for i, row in enumerate(left) if same(row, wanted_row)), None)
            if hit is None:
                right = False
                break
            del left[hit]
    return (
        None
        if right
        else f"got {json.dumps(rows, ensure_ascii=False, default=str)[:300]}, wanted {json.dumps(expected, ensure_ascii=False)[:300]}"
    )


__all__ = ["QueryFailed", "World", "index_of", "plain", "problem_of", "run", "same", "world_of"]
