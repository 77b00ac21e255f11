"""Rows of a result as logs."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from transforms.core.errors import QueryFailed
from transforms.core.field_columns import TIME, TIME_NS
from transforms.core.log_group import MAX_ROWS
from transforms.sql.result_logs import MOST_INSERTED_LOGS, groups_of_rows, logs_of_rows

NOW = 1_700_000_000


def test_each_row_is_a_log() -> None:
    table = pa.table({"n": pa.array([1, None], pa.int64()), "x": [1.5, float("inf")], "s": ["", None], "ok": [True, False]})
    group = logs_of_rows(table, table.column_names, NOW)
    assert list(group.to_logs()) == [{"n": "1", "x": "1.5", "s": "", "ok": "true"}, {"x": "Infinity", "ok": "false"}]
    assert group.table[TIME].to_pylist() == [NOW, NOW] and group.table[TIME_NS].to_pylist() == [0, 0]


def test_columns_are_named_by_place() -> None:
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["x", "x"])
    assert list(logs_of_rows(table, ["first", "Second One"], NOW).to_logs()) == [{"first": "a", "Second One": "b"}]


def test_constants_win() -> None:
    table = pa.table({"a": ["1", "2"], "__tag__:__job__": ["x", None]})
    logs = list(logs_of_rows(table, table.column_names, NOW, constants={"__tag__:__job__": "job"}).to_logs())
    assert logs == [{"a": "1", "__tag__:__job__": "job"}, {"a": "2", "__tag__:__job__": "job"}]


@pytest.mark.parametrize(
    ("column", "seconds", "nanos"),
    [
        (pa.array([5, -7], pa.int64()), [5, -7], [0, 0]),
        (pa.array([5, 7], pa.int32()), [5, 7], [0, 0]),
        (pa.array(["1700000000", "-3"]), [NOW, -3], [0, 0]),
        (pa.array([1.7e9 + 0.25, -0.5]), [NOW, -1], [250_000_000, 500_000_000]),
        (pa.array([0.9999999999]), [0], [999_999_000]),
    ],
)
def test_a_column_gives_the_time(column: Any, seconds: list[int], nanos: list[int]) -> None:
    group = logs_of_rows(pa.table({"__time__": column}), ["__time__"], NOW)
    assert group.table[TIME].to_pylist() == seconds and group.table[TIME_NS].to_pylist() == nanos
    assert group.fields == ()


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([5, None], pa.int64()), "in row 2 it is NULL"),
        (pa.array(["5", "now"]), "in row 2 it is 'now'"),
        (pa.array(["5", "5.5"]), "in row 2 it is '5.5'"),
        (pa.array([1.0, float("nan")]), "in row 2 it is nan"),
        (pa.array([1.0, 1e300]), "in row 2 it is 1e"),
        (pa.array([0], pa.timestamp("us")), "it is a timestamp"),
        (pa.array([True]), "it is a bool"),
    ],
)
def test_a_row_without_a_time_fails_the_statement(column: Any, words: str) -> None:
    with pytest.raises(QueryFailed, match="must be Unix seconds") as caught:
        logs_of_rows(pa.table({"__time__": column}), ["__time__"], NOW)
    assert words in caught.value.message and "to_unixtime" in (caught.value.hint or "")


def test_the_limit_of_a_statement() -> None:
    table = pa.table({"a": pa.repeat(pa.scalar("x"), MOST_INSERTED_LOGS + 1)})
    with pytest.raises(QueryFailed, match="10,001 rows") as caught:
        logs_of_rows(table, ["a"], NOW)
    assert caught.value.code == "TooManyRows"
    assert logs_of_rows(table, ["a"], NOW, limit=None).num_rows == MOST_INSERTED_LOGS + 1
    with pytest.raises(QueryFailed, match="at most 5"):
        logs_of_rows(table, ["a"], NOW, limit=5)


def test_many_rows_come_in_groups() -> None:
    table = pa.table({"n": pa.array(range(MAX_ROWS * 2 + 1), pa.int64()), "__time__": pa.array(range(MAX_ROWS * 2 + 1), pa.int64())})
    groups = list(groups_of_rows(table, table.column_names, NOW, constants={"t": "1"}))
    assert [group.num_rows for group in groups] == [MAX_ROWS, MAX_ROWS, 1]
    assert [log["n"] for group in groups for log in group.to_logs()] == [str(n) for n in range(MAX_ROWS * 2 + 1)]
    assert [second for group in groups for second in group.seconds.to_pylist()] == list(range(MAX_ROWS * 2 + 1))
    wide = pa.table({"text": ["x" * 1_000_000] * 70})
    assert [group.num_rows for group in groups_of_rows(wide, ["text"], NOW)] == [33, 33, 4]


def test_no_rows() -> None:
    table = pa.table({"a": pa.array([], pa.int64()), "__time__": pa.array([], pa.string())})
    assert logs_of_rows(table, table.column_names, NOW).num_rows == 0
    assert list(groups_of_rows(table, table.column_names, NOW)) == []
