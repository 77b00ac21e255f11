"""The rows of beam-sql are those of the embedded engine: one statement for each thing Beam SQL can do. All share one pipeline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from tests.beam_sql.beam_world import embedded, plan_of
from transforms.core.arrow_stream import from_stream
from transforms.core.interval import ALL_TIME, Interval
from transforms.sql.plan import QueryPlan

STATEMENTS = {
    "groups": "select status, count(*) c, count(userid) u, avg(rt) a, avg(bytes) b, sum(bytes) s, sum(rt) t, max(word) m, min(word) n, "
    "count_if(status > 300) k, count(distinct method) d from log group by status having count(*) > 1 order by c desc, 1",
    "aggregates": "select sum(bytes) filter (where rt > 1) a, count(*) filter (where bytes > 0) b, var_pop(bytes) c, stddev(bytes) d, "
    "arbitrary(__source__) e, bool_or(bytes > 4) f, bool_and(bytes > -9) g, count(distinct rt) j, max(date_trunc('hour', __time__)) k, "
    "var_samp(bytes) l from log",
    "aggregates of nothing": "select count(*) c, sum(bytes) s, max(rt) m, avg(bytes) a, count(distinct word) d from log where status > 9999",
    "aggregates of nothing, inside": "select count(*) c, max(x) m from (select sum(bytes) x from log where rt > 1000) t",
    "group by doubles, times, booleans, positions": "select rt, date_trunc('hour', __time__) h, bytes > 0 p, count(*) c, sum(distinct userid) s from log "
    "group by 1, 2, 3 order by c desc, rt, h, p limit 10",
    "left join": "select l.word, u.name, coalesce(u.age, 0) a, upper(u.name) n from log l left join users u on l.userid = u.uid and u.age > 25 limit 999",
    "full join": "select u.uid, l.word, u.name from log l full join users u on l.userid = u.uid limit 999",
    "three tables": "select u.name, o.item, count(*) c, count(distinct l.word) w, sum(l.rt) s from log l join users u on l.userid = u.uid "
    "left join orders o on o.uid = u.uid group by u.name, o.item limit 999",
    "right join with a subquery": "select n.userid, n.c, u.name from (select userid, count(*) c from log group by userid having count(*) > 5) n "
    "right join users u on n.userid = u.uid limit 999",
    "with": "with t as (select userid, rt, count(*) c, avg(bytes) a from log group by 1, 2) select u.name, sum(t.c) s, max(t.a) m, min(rt) r "
    "from t join users u on t.userid = u.uid group by u.name having sum(t.c) > 1 limit 999",
    "in and exists": "select status, word from log where userid in (select uid from users) "
    "and exists (select 1 from users u where u.uid = log.userid) and not exists (select 1 from orders o where o.uid = log.userid) limit 999",
    "join with an empty table": "select l.word, n.name from log l left join nobody n on l.userid = n.uid where l.bytes > 3 limit 999",
    "distinct": "select distinct rt, method, userid is null n from log where status in (200, 404) limit 999",
    "union": "select method, status from log union select name, uid from users limit 999",
    "union all": "select method, rt, bytes > 0 b from log union all select name, score, age > 30 from users limit 999",
    "except": "select userid from log except select uid from users limit 999",
    "intersect": "select userid from log intersect select uid from users limit 999",
    "order by with limit": "select status, rt, __time__ from log order by rt desc, __time__ limit 7",
    "order by texts": "select word, count(*) c from log group by word order by word desc limit 20",
    "expressions": "select case when bytes > 2 then 'big' when bytes is null then 'none' else 'small' end a, coalesce(bytes, -1) b, nullif(bytes, 3) c, "
    "word || '!' d, word like '%a%' h, word like '_' i, abs(bytes) j, bytes / 2 k, bytes % 2 l, rt / 2 m, cast(bytes as double) n, "
    "cast(bytes as varchar) o, bytes between 1 and 3 q, not (bytes > 1) r, bytes > 1 and rt > 0 s, bytes > 1 or rt > 0 t, "
    "bytes is distinct from 3 u, bytes in (1, 2) x, bytes not in (1, 2) y, status = 200 z, -bytes aa, rt * -1.5 ab, 5 / -2 ac, "
    "if(bytes > 1, rt, 0) ae, __time__ - __time__ % 300 af, '日本' ag, word = '日本' ah, 1e0 / (bytes - bytes) ai, null aj from log limit 999",
    "texts": "select length(word) e, upper(word) f, substr(word, 1, 2) g, cast(rt as varchar) p, strpos(word, 'a') v, trim(word) w, word < 'b' a, "
    "word >= '日' b, regexp_like(word, '^[a-z]+$') h, concat(word, 'ü') q, to_hex(md5(to_utf8(word))) x, word like 'a\\%%' escape '\\' y, reverse(word) z "
    "from log limit 999",
    "casts and calls that may fail": "select try_cast(digits as bigint) c, case when digits not like 'x%' then cast(digits as bigint) end d, "
    "cast(rt as bigint) e, bytes * bytes + status r, 10 / nullif(bytes, 0) s, split(digits, '1')[1] y, json_extract_scalar(body, '$.n') j, "
    "greatest(bytes, status) t, round(rt, 1) u, floor(rt) v, power(rt, 2) w from log limit 999",
    "times": "select date_trunc('minute', __time__) j, date_format(__time__, '%H:%i') k, from_unixtime(__time__) + interval '1' day m, date(__time__) n, "
    "hour(from_unixtime(__time__)) i, extract(minute from from_unixtime(__time__)) e from log "
    "where from_unixtime(__time__) > timestamp '2023-11-15 06:30:00' limit 999",
    "arrays and maps": "select p, count(*) c, max(element_at(split_to_map('a:1,b:2', ',', ':'), 'b')) m from log "
    "cross join unnest(split(word, 'a')) as t(p) group by p limit 999",
    "an array as a result": "select split(word, 'a') w, element_at(split(word, 'p'), 2) e from log where bytes > 0 limit 999",
    "no limit reached": "select status from log where status = 404 limit 3",
}  # fmt: skip
ELSEWHERE: dict[str, tuple[str, Interval, str]] = {
    "a search before it": ("method: GET and status > 300 | select count(*) c, max(bytes) m", Interval(1_700_000_060, 1_700_001_999), "web"),
    "all time": ("* | select method, count(*) c, sum(bytes) s from log group by method", ALL_TIME, "web"),
    "no logs at all": ("* | select count(*) c, max(rt) m, count(distinct word) d", Interval(0, 60), "quiet"),
    "tables without logs": ("* | select u.name, o.item from users u join orders o on u.uid = o.uid", ALL_TIME, "web"),
}  # fmt: skip
PLACES = {name: (f"* | {statement}", None, "web") for name, statement in STATEMENTS.items()} | ELSEWHERE
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def results(beam_sql_jar: str, there: Home, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[QueryPlan, Any]]:
    """Of each statement its plan and beam-sql's Arrow table."""
    from pipelines.association_query import write_result
    from pipelines.launch import new_pipeline, options_of
    from pipelines.sql_engine import query_transform, run_query_pipeline

    folder = Path(tmp_path_factory.mktemp("results"))
    options = options_of(["--sql_engine", "beam-sql", "--beam_sql_jar", beam_sql_jar, "--beam_sql_timeout", "600"])
    pipeline = new_pipeline(options)
    plans = {}
    for number, (name, (statement, times, logstore)) in enumerate(PLACES.items()):
        plans[name] = plan_of(there, statement, "beam-sql", logstore=logstore, **({} if times is None else {"times": times}))
        table = pipeline | f"{number}" >> query_transform(plans[name], options)
        write_result(table, str(folder / f"{number}"), f"Write {number}")
    run_query_pipeline(pipeline, next(iter(plans.values())), options)
    return {name: (plan, from_stream((folder / f"{number}").read_bytes())) for number, (name, plan) in enumerate(plans.items())}


@pytest.mark.parametrize("name", PLACES)
def test_the_rows_of_the_embedded_engine(results: Mapping[str, tuple[QueryPlan, Any]], name: str) -> None:
    plan, table = results[name]
    wanted = embedded(plan)
    assert table.schema == wanted.schema
    assert table.num_rows == wanted.num_rows
    if name == "no limit reached":  # any three of them
        assert set(table["status"].to_pylist()) == {404}
        return
    if name not in ("no logs at all", "aggregates of nothing", "aggregates of nothing, inside"):
        assert table.num_rows > 1 or "group by" not in plan.statement
    ours, theirs = _rows(table), _rows(wanted)
    if "order by" not in plan.statement:
        ours, theirs = sorted(ours, key=_order), sorted(theirs, key=_order)
    for one, other in zip(ours, theirs, strict=True):
        assert all(map(_same, one, other)), (one, other)


def _rows(table: Any) -> list[list[Any]]:
    return [list(row.values()) for row in table.to_pylist()]


def _order(row: list[Any]) -> list[Any]:
    return [(value is not None, f"{value:.6g}" if isinstance(value, float) else str(value)) for value in row]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)
