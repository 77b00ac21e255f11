"""SQL over the samples of a Metricstore."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from pipelines.query import plan_statement, run_in_process
from transforms.core.errors import SqlError
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import LogGroup
from transforms.sql.planner import PlanOptions
from transforms.stores.logstore import LogstoreDescriptor, metricstore_descriptor
from transforms.stores.metricstore import encode_labels
from transforms.stores.shard import even_shards

NANO = 1_617_242_400_000_000_000
SAMPLES = [
    ("pv", "host#$#h1", NANO, "2.5"),
    ("pv", "app#$#shop|host#$#h2", NANO + 60 * 10**9, "4"),
    ("err", "host#$#h2", NANO + 60 * 10**9, "100"),
    ("up", "", NANO + 120 * 10**9, "1"),
    ("odd", "url#$#/a#$#b|void#$#", NANO + 180 * 10**9 + 1, "-1e3"),
]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = Home.create(tmp_path_factory.mktemp("metrics") / "home")
    store = home.create_logstore(metricstore_descriptor(DEFAULT_PROJECT, "metrics", "", even_shards(2)))
    home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "web", "", even_shards(1)))
    for sample in SAMPLES:  # a file each: the first phase runs over several
        log = dict(zip(("__name__", "__labels__", "__time_nano__", "__value__"), map(str, sample), strict=True))
        store.append([LogGroup.from_logs([log], [0])])
    yield home
    home.close()


def rows(home: Home, statement: str, times: Interval = ALL_TIME, logstore: str = "metrics", tasks: int = 1) -> list[Any]:
    plan = plan_statement(home, DEFAULT_PROJECT, logstore, statement, times, PlanOptions(least_tasks=tasks))
    return [tuple(row) for row in run_in_process(plan, now_seconds=0).rows.plain()]


@pytest.mark.parametrize("table", ["", "from log", 'from "metrics.prom"', "from metrics", 'from "metrics.prom" m'])
def test_each_name_of_the_table(metrics: Home, table: str) -> None:
    assert rows(metrics, f"* | select __name__, sum(__value__) as s {table} group by __name__ order by s") == [
        ("odd", -1000.0), ("up", 1.0), ("pv", 6.5), ("err", 100.0),
    ]  # fmt: skip


def test_the_columns(metrics: Home) -> None:
    plan = plan_statement(metrics, DEFAULT_PROJECT, "metrics", '* | select * from "metrics.prom"', ALL_TIME, PlanOptions())
    assert [(column.name, column.sql_type) for column in plan.output] == [
        ("__name__", "varchar"), ("__labels__", "map(varchar, varchar)"), ("__time_nano__", "bigint"), ("__value__", "double"),
    ]  # fmt: skip
    found = rows(metrics, '* | select * from "metrics.prom" order by __time_nano__, __name__')
    assert found == [
        ("pv", {"host": "h1"}, NANO, 2.5),
        ("err", {"host": "h2"}, NANO + 60 * 10**9, 100.0),
        ("pv", {"app": "shop", "host": "h2"}, NANO + 60 * 10**9, 4.0),
        ("up", {}, NANO + 120 * 10**9, 1.0),
        ("odd", {"url": "/a#$#b", "void": ""}, NANO + 180 * 10**9 + 1, -1000.0),
    ]


def test_labels_are_a_map(metrics: Home) -> None:
    by_host = "* | select element_at(__labels__, 'host') as h, sum(__value__) as s from \"metrics.prom\" group by h order by h"
    assert rows(metrics, by_host) == [("h1", 2.5), ("h2", 104.0), (None, -999.0)]
    assert rows(metrics, "* | select cardinality(__labels__) as n, count(1) as c from log group by n order by n") == [
        (0, 1),
        (1, 2),
        (2, 2),
    ]
    assert rows(metrics, "* | select k, v from log, unnest(__labels__) as t(k, v) where __name__ = 'pv' order by k, v") == [
        ("app", "shop"), ("host", "h1"), ("host", "h2"),
    ]  # fmt: skip
    assert rows(metrics, "* | select map_keys(__labels__) as k from log where element_at(__labels__, 'app') = 'shop'") == [
        (["app", "host"],)
    ]
    grouped = (
        "* | select __labels__ as l, count(1) as c from log where cardinality(__labels__) = 1 group by l order by element_at(l, 'host')"
    )
    assert rows(metrics, grouped) == [({"host": "h1"}, 1), ({"host": "h2"}, 1)]


def test_a_search_narrows_the_samples(metrics: Home) -> None:
    assert rows(metrics, "__name__: pv and __value__ > 3 | select __value__ as v") == [(4.0,)]
    assert rows(metrics, "__name__: up") == [(NANO // 10**9 + 120, str(NANO + 120 * 10**9), "1", "up", "")]


def test_times_are_those_of_the_samples(metrics: Home) -> None:
    window = Interval(NANO // 10**9 + 60, NANO // 10**9 + 180)
    assert rows(metrics, "* | select count(1) as c, min(__time__) as t", window) == [(3, NANO // 10**9 + 60)]
    assert rows(metrics, "* | select date_format(from_unixtime(__time_nano__/1000000000), '%H:%i') as m from log order by m limit 1") == [
        ("10:00",)
    ]


def test_two_phases_give_the_same(metrics: Home) -> None:
    statement = (
        "* | select element_at(__labels__, 'host') as h, avg(__value__) as a, max_by(__name__, __value__) as n group by h order by h"
    )
    assert rows(metrics, statement, tasks=5) == rows(metrics, statement) == [("h1", 2.5, "pv"), ("h2", 52.0, "err"), (None, -499.5, "up")]


def test_labels_in_a_subquery(metrics: Home) -> None:
    inner = "select __labels__, __value__ as v from \"metrics.prom\" where __name__ = 'pv'"
    assert rows(metrics, f"* | select element_at(l.__labels__, 'host') as h, v from ({inner}) l order by h") == [("h1", 2.5), ("h2", 4.0)]
    correlated = (
        "* | select a.__name__ as n, (select max(element_at(b.__labels__, 'host')) from log b where b.__value__ = a.__value__) as h "
        "from log a where element_at(a.__labels__, 'host') = 'h1'"
    )
    assert rows(metrics, correlated) == [("pv", "h1")]


@pytest.mark.parametrize(
    ("logstore", "statement", "words", "hint"),
    [
        ("web", '* | select 1 from "metrics.prom"', "Table 'metrics.prom' does not exist", "for queries of that Metricstore itself"),
        ("web", '* | select 1 from "web.prom"', "Table 'web.prom' does not exist", "NAME.prom"),
        ("metrics", "* | select host from log", "host", ""),
        ("metrics", "* | select sum(__labels__) as s", "sum", ""),
    ],
)
def test_what_is_refused(metrics: Home, logstore: str, statement: str, words: str, hint: str) -> None:
    with pytest.raises(SqlError) as caught:
        rows(metrics, statement, logstore=logstore)
    assert words in caught.value.message and hint in (caught.value.hint or "") and caught.value.location is not None


def test_a_label_by_its_key_is_what_the_map_has(tmp_path: Any) -> None:
    """A lookup with a constant key is computed another way than one whose key comes from a row."""
    home = Home.create(tmp_path / "home")
    store = home.create_logstore(metricstore_descriptor(DEFAULT_PROJECT, "metrics", "", even_shards(1)))
    keys = ["a", "aa", "b", "_", "A", "a_b"]
    chance = random.Random(11)
    values = ["", "x", "a#$#y", "#$#", "é日", "two\nlines", "b#", "$", "a'b\"c\\d", "."]
    labels = [{key: chance.choice(values) for key in keys if chance.random() < 0.5} for _ in range(200)]
    logs = [{"__name__": "m", "__labels__": encode_labels(each), "__time_nano__": str(NANO + at * 10**9), "__value__": str(at)}
            for at, each in enumerate(labels)]  # fmt: skip
    store.append([LogGroup.from_logs(logs, [0] * len(logs))])
    wanted = [*keys, "none", "a|b", "a.", "a#$#y"]
    lookups = ", ".join(f"element_at(__labels__, '{key}')" for key in wanted)
    found = rows(home, f'* | select {lookups} from "metrics.prom" order by __time_nano__ limit 1000')
    assert found == [tuple(each.get(key) for key in wanted) for each in labels]
    by_row = rows(
        home, f"* | select element_at(l.__labels__, k) from log l, unnest(array{wanted}) as t(k) order by __time_nano__, k limit 10000"
    )
    assert by_row == [(each.get(key),) for each in labels for key in sorted(wanted)]
    plan = plan_statement(home, DEFAULT_PROJECT, "metrics", "* | select element_at(__labels__, 'a') as a", ALL_TIME, PlanOptions())
    assert [column.name for column in plan.scan.columns] == ["~label:a"], "the map is made although nobody asks for it"
    home.close()
