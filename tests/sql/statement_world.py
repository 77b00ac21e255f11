"""A small Logstore with two ExternalStores, for statements that the tests bring themselves."""

from __future__ import annotations

from typing import Any

import duckdb

from tests.sql.worked_cases import World, plain, world_of
from transforms.core.errors import LogsluiceError
from transforms.sql.analysis import Analysis, analyse, explain_failure
from transforms.sql.functions.prelude import install
from transforms.sql.statement import split_statement

_BODY = '{"a":{"b":[1,2,{"c d":"x"}]},"n":2.5,"t":"q","f":true}'
CASE: dict[str, Any] = {
    "kind": "sql",
    "statement": "* | select 1",
    "logs": [
        {
            "__time__": 1_700_000_000 + i * 60, "__topic__": "t", "__source__": "10.0.0.1", "status": str([200, 404, 500][i % 3]), "rt": str(i * 1.5),
            "method": ["GET", "POST"][i % 2], "body": _BODY, "userid": str(i % 4), "bytes": None if i == 2 else str(i * 100),
        }
        for i in range(7)
    ],
    "index": {
        "status": "long", "rt": "double", "method": "text", "body": "json", "body.n": "double", "userid": "long", "bytes": "long",
        "hidden": {"type": "text", "doc_value": False},
    },
    "tables": {
        "users": [
            {"uid": 1, "gender": 1, "name": "ann", "age": 20}, {"uid": 2, "gender": None, "name": "bob", "age": 31},
            {"uid": 9, "gender": 0, "name": "Cy", "age": None},
        ],
        "shops": [{"id": 1, "uid": 1, "city": "X"}],
        "archive": [],
    },
    "table_columns": {"archive": ["status long", "note text", "rt double"]},
    "from": 1_700_000_000,
    "to": 1_700_000_420,
}  # fmt: skip


def world() -> World:
    """Its tables stand on the shared engine from now on."""
    return world_of(CASE)


def statement_of(sql: str) -> str:
    return sql if "|" in sql.split("select")[0] else f"* | {sql}"


def analysed(sql: str) -> Analysis:
    return analyse(split_statement(statement_of(sql)), world().scope)


def rows_of(sql: str) -> list[tuple[Any, ...]]:
    """The rows; what the engine refuses comes as the error people would see."""
    there = world()
    analysis = analyse(split_statement(statement_of(sql)), there.scope)
    install(there.connection, analysis.uses)
    try:
        return [tuple(map(plain, row)) for row in there.connection.execute(analysis.tree.sql(dialect="duckdb")).fetchall()]
    except duckdb.Error as error:
        raise explain_failure(str(error), analysis) from error


def refusal(sql: str) -> LogsluiceError:
    """The error a statement gives, at analysis or while it runs."""
    try:
        rows = rows_of(sql)
    except LogsluiceError as error:
        return error
    raise AssertionError(f"{sql} was accepted and gave {rows}")
