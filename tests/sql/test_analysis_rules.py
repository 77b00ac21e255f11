"""One test for each rule of the dialect: the statement, and the rows or the facts it must give."""

from __future__ import annotations

import pickle
import time

import pytest

from tests.sql.statement_world import analysed, refusal, rows_of, world
from transforms.core.errors import ParameterInvalid
from transforms.core.interval import Interval
from transforms.sql.analysis import analyse
from transforms.sql.scope import Scope
from transforms.sql.statement import split_statement
from transforms.stores.external_store import Condition

ROWS: list[tuple[str, list[tuple[object, ...]]]] = [
    # an output alias wins over an input column in GROUP BY; ordinals and expressions work too
    ("select case when status = 200 then 'ok' else 'bad' end as status, count(1) c group by status order by c", [("ok", 3), ("bad", 4)]),
    ("select case gender when 1 then 'male' else 'female' end as gender, count(1) as pv from log l join users u on l.userid = u.uid "
     "group by gender order by gender", [("female", 2), ("male", 2)]),
    ("select upper(method) as m, count(1) from log group by upper(method) order by 1", [("GET", 4), ("POST", 3)]),
    ("select status as method, method as status, count(1) group by method, status order by 1, 2 limit 1", [(200, "GET", 2)]),
    ("select count(1), method group by 2 order by 1", [(3, "POST"), (4, "GET")]),
    ("select method, count(1) group by all order by 1", [("GET", 4), ("POST", 3)]),
    # HAVING and ORDER BY know aliases, letter case aside
    ("select status, count(1) AS Pv group by STATUS having PV > 2 order by pv", [(200, 3)]),
    ("select sum(rt) as rt from log having rt > 1", [(31.5,)]),
    ("select status s from log order by s + 0 desc, __time__ limit 1", [(500,)]),
    # NULLs come last in both directions
    ("select bytes from log order by bytes limit 5,2", [(600,), (None,)]),
    ("select bytes from log order by bytes desc limit 5,2", [(0,), (None,)]),
    # LIMIT: the offset comes first
    ("select __time__ - 1700000000 from log order by 1 limit 2,3", [(120,), (180,), (240,)]),
    # numbers
    ("select 7/2, -7/2, 7 % 3, -7 % 3, 7 % -3, 7/2.0, 1/0.0, 2.5, 3000000000 * 2, 2147483647 + 1 limit 1",
     [(3, -3, 1, -1, 1, 3.5, float("inf"), 2.5, 6000000000, 2147483648)]),
    ("select cast(2.5 as bigint), cast(-2.5 as bigint), cast('12' as bigint), try_cast('2.5' as bigint), try_cast('x' as double) limit 1",
     [(3, -3, 12, None, None)]),
    ("select (1 + 2) * 3, 1 - (2 - 3), 10 / (2 * 5), -(1 + 2), 2 * 3 + 4 limit 1", [(9, 2, 1, -3, 10)]),
    ("select sum(bytes), avg(status), sum(rt) from log", [(1900, 344.0, 31.5)]),
    # NULL
    ("select concat('a', null), greatest(1, null), least(2, 1), coalesce(null, 2), nullif(1, 1), count(null) from log",
     [(None, None, 1, 2, None, 0)]),
    ("select count(1) from log where bytes <> 0", [(5,)]),
    ("select count(1) from log where bytes is distinct from 0", [(6,)]),
    ("select try(1/0), try(array[1][2]), try(map(array['a'], array[1])['b']), try(cast(method as bigint)) from log limit 1", [(None,) * 4]),
    # select *
    ("select * from users order by uid desc limit 1", [(9, 0, "Cy", None)]),
    ("select u.* from log l join users u on l.userid = u.uid where u.uid = 2 limit 1", [(2, None, "bob", 31)]),
    # joins
    ("select count(1) from log l left join users u on l.userid = u.uid", [(7,)]),
    ("select count(1), count(status) from log l right join users u on l.userid = u.uid", [(5, 4)]),
    ("select count(1) from log l full outer join users u on l.userid = u.uid", [(8,)]),
    ("select s.city, count(1) from log l join users u on l.userid = u.uid join shops s on s.uid = u.uid group by s.city", [("X", 2)]),
    ("select id, uid from users join shops using (uid)", [(1, 1)]),
    ("select users.name from log join Users on log.userid = users.uid where users.age = 31 limit 1", [("bob",)]),
    # subqueries, WITH, set operations, VALUES, UNNEST
    ("select x from (select status as x from log order by status limit 2) where x > 1", [(200,), (200,)]),
    ("with a as (select status s, count(1) c from log group by 1), b as (select max(c) m from a) select a.s from a, b where a.c = b.m", [(200,)]),
    ("with a(x) as (select status from log) select max(x) from a", [(500,)]),
    ("select status from log intersect select 200 from log", [(200,)]),
    ("select status from log except select 200 from log order by 1", [(404,), (500,)]),
    ("select 1 as a from log union select 2 from log order by a desc", [(2,), (1,)]),
    ("select count(1) from log where userid in (select uid from users) and exists (select 1 from shops where shops.uid = log.userid)", [(2,)]),
    ("select (select max(age) from users) from log limit 1", [(31,)]),
    ("select count(1) from log where status >= all (select status from log) or userid = any (select id from shops)", [(3,)]),
    ("values (1, 'x'), (2, 'y')", [(1, "x"), (2, "y")]),
    ("select k, v, o from log cross join unnest(map(array['a','b'], array[1,2])) with ordinality as t(k, v, o) order by o desc limit 1", [("b", 2, 2)]),
    ("select x, y from unnest(array[row(1,'a'), row(2,'b')]) as t(x, y)", [(1, "a"), (2, "b")]),
    ("select count(1) from log, unnest(cast(json_parse('[]') as array(bigint))) as t(a)", [(0,)]),
    # grouping sets, windows, FILTER, DISTINCT inside aggregates
    ("select status, grouping(status) g, count(1) group by grouping sets ((status), ()) order by 1", [(200, 0, 3), (404, 0, 2), (500, 0, 2), (None, 1, 7)]),
    ("select sum(count(1)) over () as total, status group by status order by status limit 1", [(7, 200)]),
    ("select sum(bytes) filter (where status = 200), count(distinct status), count(distinct status, method), array_agg(distinct method order by method)",
     [(900, 3, 6, ["GET", "POST"])]),
    ("select lag(status) ignore nulls over (order by rt), sum(status) over (order by rt rows between 1 preceding and current row) from log "
     "order by rt limit 1,1", [(200, 604)]),
    # series
    ("select time_series(__time__, '2m', '%H:%i', 'last') as t, max(status) s from log where status <> 404 group by t order by t limit 2",
     [("06:12", 200), ("06:14", 500)]),
    ("select time_series(__time__, '1m', '%i', 'next') as t, min(rt) s from log where status = 200 group by t order by t limit 1,1", [("14", 4.5)]),
    ("select series_padding(t, n, 60, 'backward') from (select __time__ t, rt n from log where status = 200) limit 1,1", [(1700000060.0, 4.5)]),
    ("select histogram_u(method) order by 1", [("GET", 4), ("POST", 3)]),
    ("select numeric_histogram_u(2, rt)", [(2.25, 4.0), (7.5, 3.0)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), ROWS, ids=[sql[:60] for sql, _ in ROWS])
def test_rows(sql: str, expected: list[tuple[object, ...]]) -> None:
    assert rows_of(sql) == expected


def test_the_current_logstore_goes_by_log_by_its_name_and_by_nothing() -> None:
    there = world()
    scope = Scope(logstore="website-log-2", log_columns=there.scope.log_columns)
    for source in ("", "from log", "from website-log-2", "from LOG", 'from "website-log-2" w', "from website-log-2 as w"):
        analysis = analyse(split_statement(f"* | select count(status) {source}"), scope)
        assert there.connection.execute(analysis.tree.sql(dialect="duckdb")).fetchall() == [(7,)]


def test_a_select_without_limit_is_cut_to_100_rows_and_an_insert_is_not() -> None:
    assert analysed("select status").limit == 100
    assert analysed("select status limit 5").limit == 5
    assert analysed("insert into shops select 1, 2, 'x'").limit is None
    union = analysed("select status from log union all select status from log")
    assert union.limit == 100
    assert union.tree.sql(dialect="duckdb").count("LIMIT") == 1
    assert "LIMIT" not in analysed("select count(1) from (select status from log)").tree.args["from_"].sql(dialect="duckdb")
    assert analyse(split_statement("* | select 1"), Scope(default_limit=None)).limit is None


def test_star_lists_analysable_columns_in_index_order_then_the_reserved_ones() -> None:
    analysis = analysed("select * from log")
    names = ["status", "rt", "method", "body", "body.n", "userid", "bytes", "__time__", "__topic__", "__source__"]
    assert [column.name for column in analysis.output] == names
    assert analysis.log_columns == frozenset(names)


def test_what_is_read_is_only_what_is_named() -> None:
    analysis = analysed("select max(\"body.n\") m from log where method = 'GET'")
    assert analysis.log_columns == {"body.n", "method"}
    assert analysis.reads_log
    assert not analysed("select uid from users").reads_log


def test_output_names_and_types() -> None:
    analysis = analysed(
        "select status, 1, count(*) over () as n, from_unixtime(__time__), status, array[1.5], map(array['a'], array[1]), json_parse('1')"
    )
    assert [column.name for column in analysis.output] == ["status", "_col1", "n", "_col3", "status_1", "_col5", "_col6", "_col7"]
    types = ["bigint", "bigint", "bigint", "timestamp", "bigint", "array(double)", "map(varchar, bigint)", "json"]
    assert [column.sql_type for column in analysis.output] == types
    assert analysis.warnings


def test_timestamps_follow_the_session_zone() -> None:
    columns = world().scope.log_columns
    sql = "* | select from_unixtime(1700000000) a, date_trunc('day', 1700000000) b, to_unixtime(from_unixtime(1700000000)) c, hour(1700000000) d limit 1"
    expected = {
        "+08:00": ("2023-11-15 06:13:20", "2023-11-15 00:00:00", 1.7e9, 6),
        "Asia/Shanghai": ("2023-11-15 06:13:20", "2023-11-15 00:00:00", 1.7e9, 6),
        "-03:30": ("2023-11-14 18:43:20", "2023-11-14 00:00:00", 1.7e9, 18),
        "UTC": ("2023-11-14 22:13:20", "2023-11-14 00:00:00", 1.7e9, 22),
        "America/New_York": ("2023-11-14 17:13:20", "2023-11-14 00:00:00", 1.7e9, 17),
    }
    for zone, wanted in expected.items():
        analysis = analyse(split_statement(sql), Scope(log_columns=columns, time_zone=zone))
        [row] = world().connection.execute(analysis.tree.sql(dialect="duckdb")).fetchall()
        assert (str(row[0]), str(row[1]), row[2], row[3]) == wanted, zone
    with pytest.raises(ParameterInvalid):
        analyse(split_statement(sql), Scope(time_zone="Mars/Base"))


def test_now_is_the_moment_the_scope_names() -> None:
    assert rows_of("select now(), current_timestamp, current_date, to_unixtime(now()) limit 1") == [
        ("2023-11-15 06:13:20.000", "2023-11-15 06:13:20.000", "2023-11-15", 1.7e9)
    ]


def test_conditions_are_pushed_where_they_change_nothing() -> None:
    [use] = analysed("select count(1) from log l join users u on l.userid = u.uid and u.gender = 1 where u.age >= 20 and 31 > u.age and u.name in ('ann', 'x') "
                     "and u.name < 'z' and l.status = 200 and u.age is not null").external  # fmt: skip
    assert set(use.conditions) == {
        Condition("age", ">=", (20,)), Condition("age", "<", (31,)), Condition("name", "in", ("ann", "x")), Condition("age", "is not null"),
        Condition("gender", "=", (1,)),
    }  # fmt: skip
    assert use.columns == ("uid", "gender", "name", "age")
    assert use.join_keys == (("uid", "userid"),)


@pytest.mark.parametrize(
    ("sql", "conditions", "keys"),
    [
        ("from log l left join users u on l.userid = u.uid and u.age = 20", (Condition("age", "=", (20,)),), (("uid", "userid"),)),
        ("from log l left join users u on l.userid = u.uid where u.age = 20", (Condition("age", "=", (20,)),), (("uid", "userid"),)),
        ("from log l left join users u on l.userid = u.uid where u.age is null", (), (("uid", "userid"),)),
        ("from log l join users u on l.userid = u.uid where u.age is null", (Condition("age", "is null"),), (("uid", "userid"),)),
        ("from log l right join users u on l.userid = u.uid and u.age = 20", (), ()),
        ("from log l full join users u on l.userid = u.uid and u.age = 20 where u.age = 31", (Condition("age", "=", (31,)),), ()),
        ("from log l join users u on l.userid = u.uid where u.age = 20 or u.age = 31", (), (("uid", "userid"),)),
        ("from log l join users u on l.userid = u.uid where u.age + 1 = 20 and not u.age = 3", (), (("uid", "userid"),)),
        ("from log l join users u on l.userid = u.uid where u.age = 20 and exists (select 1 from users)", (), ()),
    ],
)
def test_pushdown_and_outer_joins(sql: str, conditions: tuple[Condition, ...], keys: tuple[tuple[str, str], ...]) -> None:
    [use] = analysed(f"select count(1) {sql}").external
    assert use.conditions == conditions
    assert use.join_keys == keys


def test_a_store_that_is_only_counted_still_names_a_column() -> None:
    [use] = analysed("select count(1) from log, users").external
    assert use.columns == ("uid",)


def test_insert_targets() -> None:
    store = analysed("insert into Users select 1, null, 'x', status from log").insert
    assert store is not None
    assert (store.name, store.columns, store.is_logstore) == ("users", ("uid", "gender", "name", "age"), False)
    logstore = analysed("insert into archive(NOTE, status) select method, count(1) group by method").insert
    assert logstore is not None
    assert (logstore.name, logstore.columns, logstore.is_logstore) == ("archive", ("note", "status"), True)


def test_without_an_index_every_field_is_text() -> None:
    from transforms.sql.scope import log_columns_of

    scope = Scope(log_columns=log_columns_of(None, ("a", "b c")), strict=False)
    analysis = analyse(split_statement('* | select a, "b c", __time__'), scope)
    assert [column.sql_type for column in analysis.output] == ["varchar", "varchar", "bigint"]
    with pytest.raises(Exception, match="cannot be resolved") as caught:
        analyse(split_statement("* | select d"), scope)
    assert "its fields are" in str(caught.value.hint)  # type: ignore[attr-defined]


def test_an_analysis_travels() -> None:
    analysis = analysed("select sum(status), avg(rt) from log l join users u on l.userid = u.uid where u.age = 20")
    again = pickle.loads(pickle.dumps(analysis))
    assert again.tree.sql(dialect="duckdb") == analysis.tree.sql(dialect="duckdb")
    assert again.external == analysis.external


def test_deep_nesting_is_refused_not_crashed() -> None:
    assert refusal("select " + "(" * 3000 + "1" + ")" * 3000).code == "SyntaxError"


def test_the_interval_bounds_a_series() -> None:
    from dataclasses import replace

    there = world()
    scope = replace(there.scope, interval=Interval(1_700_000_030, 1_700_000_331))
    sql = "* | select time_series(__time__, '1m', '%H:%i:%s', '0') as t, count(1) c from log where status < 0 group by t order by t"
    analysis = analyse(split_statement(sql), scope)
    rows = there.connection.execute(analysis.tree.sql(dialect="duckdb")).fetchall()
    assert [row[0] for row in rows] == ["06:13:00", "06:14:00", "06:15:00", "06:16:00", "06:17:00", "06:18:00"]
    assert {row[1] for row in rows} == {0}


def test_analysis_is_quick() -> None:
    scope = world().scope
    statements = [split_statement(f"* | {sql}") for sql, _ in ROWS]
    for statement in statements:
        analyse(statement, scope)
    started = time.perf_counter()
    for statement in statements:
        analyse(statement, scope)
    assert (time.perf_counter() - started) / len(statements) < 0.02
