"""Samples as Prometheus' text format, read back by Prometheus' own library."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pipelines.export_samples import export_samples, label_set
from transforms.connectors import create_logstore, drop_logstore
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import Logstore, metricstore_descriptor
from transforms.stores.metricstore import encode_labels
from transforms.stores.shard import even_shards

NANO = 1_617_242_400_000_000_000
Sample = tuple[str, dict[str, str], int, float]
keys = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,6}", fullmatch=True).filter(lambda key: key != "__name__")
values = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="|"), max_size=8)
samples = st.tuples(
    st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,6}", fullmatch=True), st.dictionaries(keys, values, max_size=3),
    st.integers(10**8, 9 * 10**9).map(lambda second: second * 10**9), st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip


def written(store: Logstore, **options: Any) -> str:
    out = io.BytesIO()
    export_samples(store, out, **options)
    return out.getvalue().decode()


def read(text: str) -> list[Sample]:
    """Through the library: name, labels, nanoseconds, value."""
    found: list[Sample] = []
    for family in text_string_to_metric_families(text):
        assert family.type in ("unknown", "untyped")
        for sample in family.samples:
            assert isinstance(sample.timestamp, int | float)
            found.append((sample.name, dict(sample.labels), round(sample.timestamp * 1000) * 10**6, float(sample.value)))
    return found


def in_order(found: Sequence[Sample]) -> list[Sample]:
    return sorted(found, key=lambda one: (one[0], encode_labels(one[1]), one[2], one[3]))


def append(store: Logstore, found: Sequence[Sample]) -> None:
    logs = [
        {"__name__": n, "__labels__": encode_labels(labels), "__time_nano__": str(t), "__value__": repr(v)} for n, labels, t, v in found
    ]
    store.append([LogGroup.from_logs(logs, [0] * len(logs))] if logs else [])


@pytest.fixture
def store(tmp_path: Path) -> Any:
    descriptor = metricstore_descriptor("shop", "metrics", str(tmp_path / "metrics"), even_shards(2))
    yield create_logstore(descriptor)
    drop_logstore(descriptor)


def test_the_text(store: Logstore) -> None:
    append(
        store, [("pv", {"method": "GET", "app": 'a"b\\c\nd'}, NANO + 1_999_999, 12.0), ("pv", {}, NANO, 1e20), ("err:sum", {}, NANO, -0.5)]
    )
    append(store, [("pv", {}, NANO - 10**9, 2.0)])
    assert written(store) == (
        "# TYPE err:sum untyped\n"
        "err:sum -0.5 1617242400000\n"
        "# TYPE pv untyped\n"
        "pv 2.0 1617242399000\n"
        "pv 1e+20 1617242400000\n"
        'pv{app="a\\"b\\\\c\\nd",method="GET"} 12.0 1617242400001\n'
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(samples, max_size=8))
def test_the_library_reads_what_was_written(tmp_path: Path, found: list[Sample]) -> None:
    descriptor = metricstore_descriptor("shop", "metrics", str(tmp_path / str(random.random())), even_shards(1))
    store = create_logstore(descriptor)
    append(store, found)
    assert in_order(read(written(store))) == in_order(found)
    drop_logstore(descriptor)


def test_the_newest_of_each_series(store: Logstore) -> None:
    chance = random.Random(5)
    newest: dict[tuple[str, str], Sample] = {}
    for _ in range(3):
        found = [
            (chance.choice("abc"), {"host": chance.choice("xyz")}, NANO + chance.randrange(5) * 10**9, float(chance.randrange(100)))
            for _ in range(50)
        ]
        append(store, found)
        for sample in found:
            key = (sample[0], encode_labels(sample[1]))
            newest[key] = max(newest.get(key, sample), sample, key=lambda one: one[2:])
    assert read(written(store, latest=True)) == in_order(list(newest.values()))
    assert len(read(written(store))) == 150


def test_an_interval(store: Logstore) -> None:
    append(store, [("a", {}, NANO + second * 10**9, float(second)) for second in range(10)])
    second = NANO // 10**9
    assert [sample[3] for sample in read(written(store, times=Interval(second + 2, second + 5)))] == [2.0, 3.0, 4.0]
    assert [sample[3] for sample in read(written(store, times=Interval(second + 2, second + 5), latest=True))] == [4.0]
    assert written(store, times=Interval(0, 1)) == ""


def test_an_empty_store(store: Logstore) -> None:
    told: list[int] = []
    assert export_samples(store, io.BytesIO(), times=ALL_TIME, watch=told.append) == 0
    assert told == [] and written(store, latest=True) == ""


def test_many_samples_come_in_batches(store: Logstore) -> None:
    rows, told = 150_000, list[int]()
    append(store, [(f"m{number % 3}", {"host": f"h{number % 7}"}, NANO + number * 10**9, number / 3) for number in range(rows)])
    out = io.BytesIO()
    assert export_samples(store, out, watch=told.append) == sum(told) == rows
    assert len(told) > 1, "one batch of everything would not stream"
    lines = out.getvalue().decode().splitlines()
    assert [line for line in lines if line.startswith("#")] == [f"# TYPE m{number} untyped" for number in range(3)]
    kept = [line.rsplit(" ", 2) for line in lines if not line.startswith("#")]
    assert sorted(float(value) for _, value, _ in kept) == [number / 3 for number in range(rows)]
    assert [key[0] for key in kept] == sorted(key[0] for key in kept)


def test_label_sets() -> None:
    assert label_set("") == "" and label_set("a#$#") == '{a=""}' and label_set("a#$#1|b#$#x#$#y") == '{a="1",b="x#$#y"}'
