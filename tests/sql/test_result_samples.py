"""Rows of a result as samples of metrics."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from transforms.core.errors import LogsluiceError, ParameterInvalid, QueryFailed
from transforms.core.field_columns import TIME, TIME_NS
from transforms.core.log_group import MAX_ROWS
from transforms.sql.result_samples import SampleForm, samples_of_rows
from transforms.stores.metricstore import decode_labels
from transforms.stores.samples import as_samples
from transforms.stores.shard import even_shards, shard_of_key

WINDOW = 1_617_242_400


def samples(table: Any, form: SampleForm, shards: int = 0) -> tuple[list[dict[str, str]], int]:
    batches = list(samples_of_rows(table, form, even_shards(shards) if shards else ()))
    for batch in batches:
        taken = as_samples(batch.group, "m")
        assert taken.table.equals(batch.group.table), "a Metricstore would not keep them as they are"
    return [log for batch in batches for log in batch.group.to_logs()], sum(batch.skipped for batch in batches)


def test_a_sample_for_each_metric() -> None:
    form = SampleForm(["pv", "err"], WINDOW, label_keys=["method"], add_labels={"app": "shop"}, constants={"__tag__:__job__": "j"})
    found, skipped = samples(pa.table({"method": ["GET"], "pv": [12], "err": [1]}), form)
    shared = {"__labels__": "app#$#shop|method#$#GET", "__time_nano__": "1617242400000000000", "__tag__:__job__": "j"}
    assert found == [{**shared, "__name__": "pv", "__value__": "12.0"}, {**shared, "__name__": "err", "__value__": "1.0"}]
    assert skipped == 0


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([1, None, -(2**63)], pa.int64()), ["1.0", "-9.223372036854776e+18"]),
        (pa.array([1.5, float("nan"), float("inf"), -float("inf"), 1e20, -0.0]), ["1.5", "1e+20", "-0.0"]),
        (pa.array([Decimal("12.50"), None]), ["12.5"]),
        (pa.array(["7", "+2", "1e3", ".5", "", "x", "nan", "1e999", " 1", None, "0x1"]), ["7.0", "2.0", "1000.0", "0.5"]),
        (pa.array([True, False]), []),
        (pa.array([[1], None], pa.list_(pa.int64())), []),
        (pa.array([0], pa.timestamp("us")), []),
        (pa.array([None, None]), []),
    ],
)
def test_what_is_no_number_is_left_out_and_counted(column: Any, values: list[str]) -> None:
    found, skipped = samples(pa.table({"v": column}), SampleForm(["v"], WINDOW))
    assert [sample["__value__"] for sample in found] == values
    assert skipped == len(column) - len(values)


def test_a_label_that_a_row_lacks() -> None:
    table = pa.table({"v": [1, 2, 3], "b": ["x", None, ""], "a": pa.array([None, None, 7], pa.int64())})
    found, _ = samples(table, SampleForm(["v"], WINDOW, label_keys=["b", "a"]))
    assert [sample["__labels__"] for sample in found] == ["b#$#x", "", "a#$#7|b#$#"]


def test_constant_labels_win() -> None:
    table = pa.table({"v": [1], "app": ["from|row"]})
    found, _ = samples(table, SampleForm(["v"], WINDOW, label_keys=["app"], add_labels={"app": "shop"}, hash_labels=["app"]), 4)
    assert found[0]["__labels__"] == "app#$#shop"
    assert samples(pa.table({"v": [1]}), SampleForm(["v"], WINDOW, label_keys=["app"], add_labels={"app": "shop"}))[0] == found


def test_a_value_that_would_read_as_two_labels_is_refused_with_its_row() -> None:
    rows = MAX_ROWS + 2
    table = pa.table({"v": [1] * rows, "url": ["/a"] * (rows - 1) + ["/a|b"]})
    with pytest.raises(QueryFailed, match=rf"row {rows} cannot become a sample: the label 'url' has a \| in its value '/a\|b'") as caught:
        samples(table, SampleForm(["v"], WINDOW, label_keys=["url"]))
    assert caught.value.hint == "replace it in the statement: replace(url, '|', '/') as url"
    found, _ = samples(pa.table({"v": [1], "url": ["a#$#b"]}), SampleForm(["v"], WINDOW, label_keys=["url"]))
    assert decode_labels(found[0]["__labels__"]) == {"url": "a#$#b"}


@pytest.mark.parametrize(
    ("column", "nanos"),
    [
        (pa.array([WINDOW, WINDOW * 1000, WINDOW * 10**6, WINDOW * 10**9], pa.int64()), [WINDOW * 10**9] * 4),
        (pa.array([WINDOW + 0.5, WINDOW * 1e3]), [WINDOW * 10**9 + 500_000_000, WINDOW * 10**9]),
        (pa.array([1.617242400123e18]), [1_617_242_400_123_000_000]),
        (pa.array([f"{WINDOW}", f"{WINDOW}001", f"{WINDOW}.25", "-1"]),
         [WINDOW * 10**9, WINDOW * 10**9 + 10**6, WINDOW * 10**9 + 250_000_000, -(10**9)]),
        (pa.array([Decimal(f"{WINDOW}.125")]), [WINDOW * 10**9 + 125_000_000]),
        (pa.array([dt.datetime(2021, 4, 1, 2)], pa.timestamp("us", "+08:00")), [WINDOW * 10**9]),
    ],
)  # fmt: skip
def test_a_column_gives_the_time(column: Any, nanos: list[int]) -> None:
    table = pa.table({"t": column, "v": [1] * len(column)})
    batch = next(samples_of_rows(table, SampleForm(["v"], 0, time_key="t")))
    assert [log["__time_nano__"] for log in batch.group.to_logs()] == [str(nano) for nano in nanos]
    assert batch.group.table[TIME].to_pylist() == [nano // 10**9 for nano in nanos]
    assert batch.group.table[TIME_NS].to_pylist() == [nano % 10**9 for nano in nanos]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([1, None], pa.int64()), "row 2 cannot become a sample: the column 't' must be Unix time and is NULL"),
        (pa.array([1, 99_999_999_999], pa.int64()), "row 2 .* is 99999999999"),
        (pa.array(["1", "soon"]), "row 2 .* is 'soon'"),
        (pa.array([float("inf")]), "row 1 .* is inf"),
        (pa.array([1e300]), "row 1 .* is 1e"),
        (pa.array([0], pa.timestamp("us")), "it is a timestamp"),
        (pa.array([True]), "it is a bool"),
    ],
)
def test_a_row_without_a_time(column: Any, words: str) -> None:
    with pytest.raises(QueryFailed, match=words):
        samples(pa.table({"t": column, "v": [1] * len(column)}), SampleForm(["v"], WINDOW, time_key="t"))


def test_equal_texts_go_to_one_shard() -> None:
    chance = random.Random(3)
    rows = [(chance.choice("abcdefgh"), chance.choice([1, 2, None]), n) for n in range(500)]
    table = pa.table({"host": [row[0] for row in rows], "port": [row[1] for row in rows], "v": [row[2] for row in rows]})
    form = SampleForm(["v"], WINDOW, label_keys=["host", "port"], hash_labels=["port", "host"])
    batches = list(samples_of_rows(table, form, even_shards(4)))
    assert len(batches) == 4
    for batch in batches:
        assert {shard_of_key(even_shards(4), log["__labels__"]).id for log in batch.group.to_logs()} == {batch.shard}
    assert sorted(float(log["__value__"]) for batch in batches for log in batch.group.to_logs()) == list(range(500))
    assert [batch.shard for batch in samples_of_rows(table, form)] == [None], "without shards there is nothing to choose"


@pytest.mark.parametrize(
    ("form", "words", "hint"),
    [
        ({"metric_keys": ["pvs"]}, "no column 'pvs'", "'pv'"),
        ({"label_keys": ["hots"]}, "no column 'hots'", "'host'"),
        ({"hash_labels": ["zone"]}, "no column 'zone'", "host"),
        ({"time_key": "tim"}, "no column 'tim'", None),
        ({"metric_keys": ["two"]}, "has the column 'two' twice", "as NAME"),
        ({"metric_keys": ["a-b"]}, "no name of a metric", "letters"),
        ({"metric_keys": []}, "no column is named", "at least one"),
        ({"label_keys": ["a:b"]}, "no key of a label", "letters"),
        ({"add_labels": {"a": "x|y"}}, "has a | in its value", "separates"),
    ],
)
def test_what_cannot_become_samples(form: dict[str, Any], words: str, hint: str | None) -> None:
    table = pa.table([[1], ["h"], [1], [2]], names=["pv", "host", "two", "two"])
    with pytest.raises(ParameterInvalid) as caught:
        list(samples_of_rows(table, SampleForm(**{"metric_keys": ["pv"], "default_seconds": 0, **form})))
    assert isinstance(caught.value, LogsluiceError) and words in caught.value.message
    assert hint is None or hint in (caught.value.hint or "")


def test_no_rows_and_no_numbers() -> None:
    empty = pa.table({"v": pa.array([], pa.int64()), "host": pa.array([], pa.string())})
    form = SampleForm(["v"], WINDOW, label_keys=["host"], hash_labels=["host"])
    assert samples(empty, form, 2) == ([], 0)
    assert samples(pa.table({"v": ["x", "y"], "host": ["a", "b"]}), form, 2) == ([], 2)


def test_many_rows_come_in_batches() -> None:
    rows = MAX_ROWS + 10
    table = pa.table({"v": pa.array(range(rows), pa.int64()), "w": ["x"] * rows, "host": ["h"] * rows})
    found = list(samples_of_rows(table, SampleForm(["v", "w"], WINDOW, label_keys=["host"])))
    assert [(batch.group.num_rows, batch.skipped) for batch in found] == [(MAX_ROWS, MAX_ROWS), (10, 10)]
