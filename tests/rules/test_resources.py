"""Resource functions against resources that change: what is asked for, filters, keys, versions, files."""

from __future__ import annotations

import gc
import gzip
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from tests.rules.evaluation import scalar
from transforms.core.clock import SystemClock
from transforms.rules.context import Context
from transforms.rules.event import EventFailed
from transforms.rules.functions.resources import res_oss_file as oss
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import compile_rule
from transforms.rules.table import Table
from transforms.stores.rule_resources import FileRequest, LogstoreRequest, NoResources, SqlRequest, TableData

PULL = 'res_log_logstore_pull("", "id", "env:KEY", "p", "l", '
LOAD = 'res_rds_mysql("h", "u", "env:P", "d", "t"'


class Shelf(NoResources):
    """Resources that give what lies there, and remember what was asked for."""

    def __init__(self, rows: Sequence[Mapping[str, str | None]] = (), content: bytes = b"") -> None:
        self.asked: list[Any] = []
        self.content = content
        self.version = 0
        self.put(rows)

    def put(self, rows: Sequence[Mapping[str, str | None]]) -> None:
        """New rows: a new version."""
        self.version += 1
        names = dict.fromkeys(name for row in rows for name in row)
        self.rows = {name: [row.get(name) for row in rows] for name in names}
        self.given: dict[Any, TableData] = {}

    def sql_table(self, request: SqlRequest) -> TableData:
        return self._table(request, request.fields)

    def logstore_table(self, request: LogstoreRequest) -> TableData:
        return self._table(request, request.fields)

    def file(self, request: FileRequest) -> bytes:
        self.asked.append(request)
        return self.content

    def _table(self, request: Any, fields: tuple[tuple[str, str], ...] | None) -> TableData:
        self.asked.append(request)
        if request not in self.given:
            count = len(next(iter(self.rows.values()), []))
            pairs = fields or tuple((name, name) for name in self.rows)
            columns = {shown: pa.array(self.rows.get(name, [None] * count), pa.string()) for name, shown in pairs}
            self.given[request] = TableData(pa.table(columns), self.version)
        return self.given[request]


def value(text: str, shelf: Shelf) -> Any:
    return scalar(text, {}, Context(resources=shelf, clock=SystemClock()))


def test_the_same_table_until_there_is_a_newer_one_and_older_ones_are_let_go() -> None:
    shelf = Shelf([{"id": "1", "name": "Ann"}])
    first = value(LOAD + ")", shelf)
    assert value(LOAD + ")", shelf) is first
    assert value(LOAD + ', fetch_include_data="id: 2")', shelf) is not first
    gone = weakref.ref(shelf.given[shelf.asked[0]].table)
    shelf.put([{"id": "1", "name": "Bob"}])
    second = value(LOAD + ")", shelf)
    assert isinstance(second, Table)
    assert second is not first
    assert second.cell(0, "name") == "Bob"
    del first
    gc.collect()
    assert gone() is None


def test_a_rule_sees_the_newer_rows_in_the_next_batch() -> None:
    shelf = Shelf([{"id": "1", "name": "Ann"}])
    rule = compile_rule(f'e_table_map({LOAD}, refresh_interval="60"), "id", "name")')
    context = Context(resources=shelf, clock=SystemClock())
    assert rule.run_logs([{"id": "1"}], context).targets["default"] == [{"id": "1", "name": "Ann"}]
    shelf.put([{"id": "1", "name": "Bob"}])
    assert rule.run_logs([{"id": "1"}], context).targets["default"] == [{"id": "1", "name": "Bob"}]
    assert shelf.asked[0].refresh_interval == 60


def test_what_queries_name_is_pulled_besides_and_left_out_of_the_table() -> None:
    rows: list[dict[str, str | None]] = [{"a": "1", "s": "in"}, {"a": "2", "s": None}, {"a": None, "s": "in"}]
    shelf = Shelf(rows)
    table = value(PULL + 'fields=[("a", "b")], fetch_include_data="s: in or not s: *", fetch_exclude_data="b: 7")', shelf)
    assert shelf.asked[-1].fields == (("a", "b"), ("s", "s"))
    assert table.names() == ["b"]
    assert table.column("b").to_list() == ["1", "2", ""]
    table = value(LOAD + ', fields=["a"], fetch_include_data="not s: *")', shelf)
    assert table.column("a").to_list() == ["2"]
    assert value(LOAD + ', fields=["a"], sql="select 1")', shelf).names() == ["a", "s"]


def test_a_logstore_without_logs_is_a_table_without_rows() -> None:
    class Empty(Shelf):
        def logstore_table(self, request: LogstoreRequest) -> TableData:
            return TableData(pa.table({}))

    shelf = Empty()
    table = value(PULL + 'fields=["a", "b"], primary_keys="a", delete_data="x: y")', shelf)
    assert (table.names(), table.rows) == (["a", "b"], 0)
    rule = compile_rule(f'e_table_map({PULL} fields=["a", "b"]), "a", "b", missing="-")')
    for run in (rule.run_logs, rule.run_events):
        assert run([{"a": "1"}], Context(resources=shelf, clock=SystemClock())).targets["default"] == [{"a": "1", "b": "-"}]


def test_logs_maintain_a_table() -> None:
    states = [
        ("a", "1", "in"),
        ("b", "1", "in"),
        ("a", "2", "note"),
        ("b", "1", "out"),
        ("c", "1", "out"),
        ("c", "2", "in"),
        ("a", "3", "in"),
    ]
    shelf = Shelf([{"k": key, "n": number, "s": state} for key, number, state in states])
    text = PULL + 'fields=["k", "n"], primary_keys="k", delete_data="s: out"'
    assert value(f'tab_to_dict({text}), "k", "n")', shelf) == {"a": "3", "c": "2"}
    shelf.put([{"k": key, "n": number, "s": state} for key, number, state in states[:6]])
    assert value(f'tab_to_dict({text}, upsert_data="s: in"), "k", "n")', shelf) == {"a": "1", "c": "2"}
    assert value(f'tab_to_dict({text}, fetch_exclude_data="s: out"), "k", "n")', shelf) == {"a": "2", "b": "1", "c": "2"}


@pytest.mark.parametrize(
    ("flag", "deleted"),
    [
        ("1", True), ("true", True), ("T", True), ("Yes", True), ("y", True), ("2", True), ("-0.5", True), ("2020-01-02 03:04:05", True),
        ("0", False), ("0.0", False), ("0e5", False), ("", False), (None, False), ("false", False), ("n", False), ("no", False),
    ],
)  # fmt: skip
def test_flags_of_deletion(flag: str | None, deleted: bool) -> None:
    shelf = Shelf([{"id": "1", "gone": "0"}, {"id": "1", "gone": flag}])
    table = value(LOAD + ', primary_key="id", update_time_key="t", deleted_flag_key="gone")', shelf)
    assert table.rows == (0 if deleted else 1)


@pytest.mark.parametrize(
    ("arguments", "times"),
    [
        ("", (None, None, False)),
        ('from_time="begin", to_time=None', (None, None, True)),
        ('from_time=1600000000, to_time="1600000060"', (1600000000, 1600000060, False)),
        ('from_time="2020-09-13 12:26:40", to_time="2020-09-13T20:26:40+08:00"', (1600000000, 1600000000, False)),
        ("from_time=1600000000.9", (1600000000, None, False)),
    ],
)
def test_times(arguments: str, times: tuple[int | None, int | None, bool]) -> None:
    shelf = Shelf([{"a": "1"}])
    value(PULL + f'fields=["a"], {arguments})', shelf)
    asked = shelf.asked[-1]
    assert (asked.from_time, asked.to_time, asked.follow) == times


def test_a_time_of_a_clock_is_read_once_for_the_job() -> None:
    shelf = Shelf([{"a": "1", "b": "x"}])
    rule = compile_rule(f'e_table_map({PULL} fields=["a", "b"], from_time=v("now"), to_time=v("till")), "a", "b")')
    context = Context(resources=shelf, clock=SystemClock())
    for now in ("1600000000", "1700000000"):
        result = rule.run_logs([{"a": "1", "now": now}, {"a": "2", "now": now + "0"}], context)
        assert [log.get("b") for log in result.targets["default"]] == ["x", None]
    assert {(asked.from_time, asked.to_time, asked.follow) for asked in shelf.asked} == {(1600000000, None, True)}
    result = rule.run_logs([{"a": "1", "now": "noonish"}, {"a": "2"}], Context(resources=Shelf(), clock=SystemClock()))
    assert [failure.reason.split("Detail: ")[1] for failure in result.failures.values()] == ["from_time is no time: 'noonish'"] * 2


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (LOAD + ', fields=["a"], primary_keys="b")', "the primary key b is not among the fields"),
        (LOAD + ', refresh_interval="soon")', "could not convert"),
        (LOAD + ", refresh_interval=op_neg(1))", "0 or more"),
        (LOAD + ', fetch_include_data="(")', "invalid query"),
        ('res_rds_mysql(v("a"), "u", "p", "d", "t")', "address not a string type"),
        ('res_rds_mysql("h", "u", "p", "d", v("t"))', "When sql is not set, table must be set"),
        ('res_rds_mysql("h", "u", "p", "d", sql=str_join(" ", "drop", "table"))', "sql must be a SELECT"),
        (PULL + 'fields=["a"], fetch_interval=0.5)', "fetch_interval is 1 second or more"),
        (PULL + 'fields=["a"], primary_keys=["a", "b"], delete_data="x")', "primary_keys takes one field"),
        (PULL + 'fields=[["a", "b", "c"]])', "a name or a pair of names"),
        (PULL + 'fields=["a"], from_time=[1])', "from_time is no time"),
        ('res_oss_file("e", bucket="b", file="f", decompress="zip")', "one of gzip"),
        ('res_oss_file("e", bucket="b", file=5)', "file not a string type"),
        ('res_oss_file("e", bucket="b", file="f", error="strict")', "can't decode"),
    ],
)
def test_refusals(expression: str, said: str) -> None:
    with pytest.raises((EventFailed, RuleInvalid)) as caught:
        value(expression, Shelf([{"a": "1"}], content=b"\xff"))
    assert said in str(caught.value)


def test_select_with_comments_and_brackets_is_a_select() -> None:
    shelf = Shelf([{"a": "1"}])
    for sql in ("(select 1)", "/* x */ -- y\\n WITH a as (select 1) select * from a", "\\n SELECT 1"):
        assert value(f'res_rds_mysql("h", "u", "p", "d", sql="{sql}")', shelf).rows == 1


def test_files_are_read_once_for_each_version() -> None:
    shelf = Shelf(content="k,v\na,中".encode("gbk"))
    text = 'res_oss_file("oss", bucket="b", file="f", encoding="gbk")'
    first = value(text, shelf)
    assert first == "k,v\na,中"
    assert value(text, shelf) is first
    shelf.content = b"new"
    assert value(text, shelf) == "new"


def test_compressed_files(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'res_oss_file("oss", bucket="b", file="f.gz", decompress="gzip")'
    whole = gzip.compress(b"one,") + gzip.compress(b"two")
    assert value(text, Shelf(content=whole)) == "one,two"
    assert value(text, Shelf(content=gzip.compress(b""))) == ""
    for content, said in ((whole[:-3], "ends too early"), (b"plain", "no gzip file")):
        with pytest.raises(EventFailed, match=said):
            value(text, Shelf(content=content))
    monkeypatch.setattr(oss, "_MOST_BYTES", 1000)
    with pytest.raises(EventFailed, match="more than 1,000 bytes"):
        value(text, Shelf(content=gzip.compress(b"x" * 5000)))


def test_a_parameter_that_is_json_is_the_same_object_each_time() -> None:
    class Job(Shelf):
        def parameter(self, key: str) -> str | None:
            return {"map": '{"a": "1"}', "bad": "NaN", "deep": "[" * 100_000}.get(key)

    shelf = Job()
    assert value('res_local("map")', shelf) is value('res_local("map")', shelf)
    assert value('res_local("bad")', shelf) == "NaN"
    assert value('res_local("bad", type="json")', shelf) is None
    assert value('res_local("deep", default="d", type="JSON")', shelf) == "d"


def test_a_large_table_is_mapped_batch_after_batch() -> None:
    rows = 300_000
    numbers = pl.int_range(rows, eager=True).cast(pl.String)
    shelf = Shelf()
    shelf.rows = {"id": numbers.to_list(), "name": ("n" + numbers).to_list()}
    rule = compile_rule(f'e_table_map({LOAD}, primary_keys="id"), [("uid", "id")], "name")')
    logs = [{"uid": str(number * 7 % (2 * rows))} for number in range(5_000)]
    context = Context(resources=shelf, clock=SystemClock())
    for _ in range(3):
        result = rule.run_logs(logs, context)
        assert result.targets["default"] == [{**log, "name": "n" + log["uid"]} if int(log["uid"]) < rows else log for log in logs]
