"""What beam-sql refuses it refuses before anything is read: located, by name, with the way out. Nothing here needs Java."""

from __future__ import annotations

import pytest

from pipelines.home import Home
from tests.beam_sql.beam_world import plan_of
from transforms.core.errors import StatementError

REFUSED = [
    ("status: 200", "a search without SQL", "status: 200"),
    ("select approx_distinct(word) from log", "approx_distinct", "approx_distinct(word"),
    ("select approx_percentile(rt, 0.5) from log", "approx_percentile", "approx_percentile(rt, 0.5"),
    ("select stddev(rt) from log", "stddev of doubles", "stddev(rt"),
    ("select var_pop(rt), count(*) from log", "var_pop of doubles", "var_pop(rt"),
    ("select array_agg(word) from log", "array_agg", "array_agg(word"),
    ("select max_by(word, rt) from log", "max_by", "max_by(word, rt"),
    ("select histogram(status) from log", "histogram", "histogram(status"),
    ("select map_agg(word, status) from log", "map_agg", "map_agg(word, status"),
    ("select row_number() over (order by rt) r from log", "a window function (OVER)", "over"),
    ("select word, sum(bytes) over (partition by word) s from log", "a window function (OVER)", "over"),
    ("select (select max(uid) from users) m from log", "a subquery used as a value", "max(uid) from users"),
    ("select word from log where bytes > (select avg(age) from users)", "a subquery used as a value", None),
    ("select word from log where bytes > all (select uid from users)", "a comparison with ANY or ALL", None),
    ("select word from log where userid not in (select uid from users)", "NOT over a subquery", "not"),
    ("select l.word from log l cross join users u", "a join without an equality", "join"),
    ("select l.word from log l join users u on l.userid > u.uid", "a join without an equality", "join"),
    ("select l.word from log l full join users u on l.userid = u.uid and u.age > 3", "a condition other than equalities in a FULL JOIN", "full join"),
    ("select l.word from log l join users u on l.rt = u.score", "a join on double", "l.rt"),
    ("select count(*) c from log group by rollup(status)", "ROLLUP", "rollup"),
    ("select count(*) c from log group by cube(status)", "CUBE", "cube"),
    ("select count(*) c from log group by grouping sets ((status), (word))", "GROUPING SETS", "grouping sets"),
    ("select count(distinct word) a, count(distinct status) b from log", "DISTINCT of two different values", "distinct"),
    ("select upper(x) from (select word x from log) t", "upper", "upper(x"),
    ("select cast(x as bigint) from (select digits x from log) t", "cast", None),
    ("select u.name < l.word from log l join users u on l.userid = u.uid", "an order of texts", "u.name < l.word"),
    ("select l.bytes / u.age from log l join users u on l.userid = u.uid", "a division", "l.bytes / u.age"),
    ("select u.age * l.bytes * l.status from log l join users u on l.userid = u.uid", "arithmetic that may leave 64 bits", None),
    ("select random() from log", "random", "random"),
    ("select to_utf8(word) from log", "a value of type varbinary", "to_utf8(word"),
    ("select max(x) from (select min(word) x from log group by status) t", "the least or greatest text", None),
    ("select * from (select word from log order by word limit 3) t", "LIMIT in a subquery that is ordered by text", "limit"),
    ("select * from (values (1, 2)) t(a, b)", "VALUES or UNNEST", "values"),
    ("select max(rt) n from log union select score from users", "UNION of doubles", "union"),
    ("select k, v from log cross join unnest(split_to_map(word, ',', ':')) as t(k, v)", "UNNEST", "unnest"),
    ("select sum(cast(bytes as decimal(10, 2))) from log", "sum of decimal", None),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "what", "place"), REFUSED, ids=[sql for sql, _, _ in REFUSED])
def test_refused_by_name_where_it_stands(there: Home, sql: str, what: str, place: str | None) -> None:
    statement = f"* | {sql}" if sql.startswith("select") else sql
    plan_of(there, statement)  # the embedded engine takes it
    with pytest.raises(StatementError) as refused:
        plan_of(there, statement, "beam-sql")
    error = refused.value
    assert error.code == "BeamSqlUnsupported"
    assert error.message.startswith(what) or f" {what}" in error.message
    assert error.hint is not None
    assert error.hint.startswith("the embedded engine can: leave --sql-engine away")
    assert error.location is not None
    if place is not None:
        assert statement[error.location.start : error.location.end].casefold() == place


def test_the_plan_travels_and_says_what_it_does(there: Home) -> None:
    import pickle

    plan = plan_of(there, "* | select method, count(*) c from log where bytes > 1 group by method", "beam-sql")
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert plan.beam is not None
    assert plan.beam.sql == (
        "SELECT k0, COUNT(a0) AS p0 FROM (SELECT t1.c1 AS k0, CAST(1 AS BIGINT) AS a0 FROM PCOLLECTION AS t1 WHERE (t1.c0 > 1)) AS g GROUP BY k0"
    )
    assert [each.select() for each in plan.beam.inputs] == [
        'select cast("bytes" as bigint) as "c0", cast("method" as varchar) as "c1" from "~log"'
    ]
    assert plan.beam.finish == 'SELECT "k0" AS "method", "p0" AS "c" FROM "~beam" LIMIT 100'
    assert plan_of(there, "* | select 1").beam is None
