"""Every aggregate that claims a mergeable form gives the same in two phases as in one."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.sql.worked_cases import same
from transforms.sql.analysis import analyse
from transforms.sql.functions import function_names, functions_named
from transforms.sql.phases import PARTIAL, split_phases
from transforms.sql.scope import LogColumn, Scope
from transforms.sql.statement import split_statement

ENGINE = duckdb.connect()
COLUMNS = (LogColumn("k", "varchar", "k"), LogColumn("i", "bigint", "i"), LogColumn("d", "double", "d"))
ROWS = [("a", 1, 1.5), ("b", None, 2.5), ("a", 3, None), (None, 4, 0.5), ("b", 5, 2.0), ("a", -6, 7.25), ("c", None, None)]
CALLS = [
    "count(*)", "count(1)", "count(i)", "count_if(i > 2)", "sum(i)", "sum(d)", "avg(i)", "avg(d)", "max(i)", "min(d)", "max(k)", "max_by(i, d)",
    "min_by(i, d)", "bool_and(i > 0)", "bool_or(i > 4)", "every(d > 0)", "bitwise_and_agg(i)", "bitwise_or_agg(i)", "bitwise_xor_agg(i)",
    "geometric_mean(d)", "sum(i) filter (where d > 1)", "count(i) filter (where k = 'a')", "avg(d) filter (where i > 0)", "sum(i) + count(d)",
    "coalesce(max(i), 0)", "sum(cast(1.25 as decimal(10,2)))", "avg(cast(i as decimal(10,2)))",
]  # fmt: skip


def _connection(rows: list[tuple[Any, ...]]) -> Any:
    connection = ENGINE
    types = (pa.string(), pa.int64(), pa.float64())
    connection.register("~log", pa.table({c.name: pa.array([row[at] for row in rows], types[at]) for at, c in enumerate(COLUMNS)}))
    return connection


def _in_parts(sql: str, merge: str, parts: list[list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    partials = pa.concat_tables([_connection(part).sql(sql).to_arrow_table() for part in parts], promote_options="permissive")
    ENGINE.register(PARTIAL, partials)
    rows: list[tuple[Any, ...]] = ENGINE.execute(merge).fetchall()
    return rows


def _key(row: tuple[Any, ...]) -> str:
    return repr(row[:1])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("parts", [[ROWS[:3], ROWS[3:]], [ROWS, []], [ROWS[:1], [], ROWS[1:4], ROWS[4:]]])
def test_in_parts_as_in_one(call: str, parts: list[list[tuple[Any, ...]]]) -> None:
    for sql in (f"* | select {call} as x", f"* | select k, {call} as x group by k"):
        analysis = analyse(split_statement(sql), Scope(log_columns=COLUMNS))
        whole = _connection(ROWS).execute(analysis.tree.sql(dialect="duckdb")).fetchall()
        phases = split_phases(analysis.tree)
        assert phases.merge_sql is not None, phases.reason
        merged = _in_parts(phases.task_sql, phases.merge_sql, parts)
        for one, other in zip(sorted(whole, key=_key), sorted(merged, key=_key), strict=True):
            assert all(same(*map(_plain, pair)) for pair in zip(one, other, strict=True)), (sql, whole, merged)


def _plain(value: Any) -> Any:
    return float(value) if type(value).__name__ == "Decimal" else value


@pytest.mark.parametrize(
    "call", ["count(distinct i)", "sum(distinct i)", "approx_distinct(i)", "approx_percentile(d, 0.5)", "array_agg(i)", "stddev(d)"]
)
def test_what_cannot_be_merged_says_so(call: str) -> None:
    analysis = analyse(split_statement(f"* | select {call} as x"), Scope(log_columns=COLUMNS))
    assert split_phases(analysis.tree).merge_sql is None


def test_every_mergeable_aggregate_is_tried() -> None:
    mergeable = {name for name in function_names() if any(function.partials for function in functions_named(name))}
    tried = {call.split("(")[0] for call in CALLS} | {"any_value", "arbitrary"}
    assert mergeable <= tried
