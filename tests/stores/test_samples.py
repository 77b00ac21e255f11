"""What a Metricstore takes: names, labels, times, values; and that its door is the same for every adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.connectors import create_logstore, drop_logstore
from transforms.core.errors import ParameterInvalid
from transforms.core.field_columns import TIME, TIME_NS, column_of
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import Logstore, metricstore_descriptor
from transforms.stores.metricstore import (
    METRIC_INDEX,
    decode_labels,
    encode_labels,
    is_label_key,
    is_metric_name,
    nanoseconds,
)
from transforms.stores.samples import as_samples
from transforms.stores.shard import even_shards

NANO = 1_617_242_400_000_000_000
SAMPLE = {"__name__": "pv", "__labels__": "app#$#shop|method#$#GET", "__time_nano__": str(NANO), "__value__": "12"}
keys = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
values = st.text(alphabet=st.characters(exclude_characters="|", codec="utf-8"), max_size=12)


def group(*logs: dict[str, str]) -> LogGroup:
    return LogGroup.from_logs(logs, [0] * len(logs))


@pytest.fixture(params=["delta", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Logstore]:
    from dataclasses import replace

    descriptor = replace(metricstore_descriptor("shop", "metrics", str(tmp_path / "metrics"), even_shards(2)), kind=request.param)
    yield create_logstore(descriptor)
    drop_logstore(descriptor)


@given(st.dictionaries(keys, values, max_size=5))
def test_labels_come_back(labels: dict[str, str]) -> None:
    text = encode_labels(labels)
    assert decode_labels(text) == labels
    assert list(decode_labels(text)) == sorted(labels)


def test_the_later_of_two_labels_counts() -> None:
    assert encode_labels([("a", "1"), ("b", "x"), ("a", "2")]) == "a#$#2|b#$#x"


@pytest.mark.parametrize("labels", [{"a": "x|y"}, {"1a": "x"}, {"": "x"}, {"a-b": "x"}])
def test_labels_that_cannot_be(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="label"):
        encode_labels(labels)


@pytest.mark.parametrize("text", ["a", "a=b", "a#$#1|", "|a#$#1", "a#$#1|a#$#2", "#$#x", "1#$#x"])
def test_texts_that_are_no_labels(text: str) -> None:
    with pytest.raises(ValueError, match="label"):
        decode_labels(text)


def test_names() -> None:
    assert all(map(is_metric_name, ("a", "_", ":x", "up:sum_5m", "A9")))
    assert not any(map(is_metric_name, ("", "9a", "a-b", "a b", "ä", "a\n")))
    assert is_label_key("a_9") and not is_label_key("a:b")


@pytest.mark.parametrize(("digits", "unit"), [(10, 10**9), (11, 10**9), (13, 10**6), (16, 10**3), (19, 1)])
def test_the_digits_tell_the_unit(digits: int, unit: int) -> None:
    assert nanoseconds(10 ** (digits - 1)) == 10 ** (digits - 1) * unit
    assert nanoseconds(f" -{10 ** (digits - 1)}.5") == -(10 ** (digits - 1) * unit) - unit // 2
    assert nanoseconds("7", "ms") == 7_000_000


@pytest.mark.parametrize("time", ["", "now", "1e9", "1" * 61, True, float("nan"), 1e300])
def test_what_is_no_time(time: str | float) -> None:
    with pytest.raises(ValueError, match="a time is a number"):
        nanoseconds(time)


@pytest.mark.parametrize("time", ["1617242400", "1617242400000", "1617242400000000", "1617242400000000000"])
def test_a_time_of_any_unit_is_kept_in_nanoseconds(time: str) -> None:
    taken = as_samples(group({**SAMPLE, "__time_nano__": time}), "m")
    assert list(taken.to_logs()) == [SAMPLE]
    assert taken.table[TIME].to_pylist() == [NANO // 10**9] and taken.table[TIME_NS].to_pylist() == [0]


def test_the_event_time_is_the_samples() -> None:
    times = [str(NANO + 123_456_789), "-1617242400000000001", "0"]
    taken = as_samples(group(*({**SAMPLE, "__time_nano__": time} for time in times)), "m")
    assert taken.table[TIME].to_pylist() == [NANO // 10**9, -NANO // 10**9 - 1, 0]
    assert taken.table[TIME_NS].to_pylist() == [123_456_789, 999_999_999, 0]


def test_labels_are_put_in_order_and_tags_stay() -> None:
    logs = [{**SAMPLE, "__labels__": "method#$#GET|app#$#shop", "__tag__:__job__": "j", "__topic__": "t"}, {**SAMPLE, "__labels__": ""}]
    taken = list(as_samples(group(*logs), "m").to_logs())
    assert taken == [{**SAMPLE, "__tag__:__job__": "j", "__topic__": "t"}, {**SAMPLE, "__labels__": ""}]


def test_a_column_that_no_log_has_is_no_field() -> None:
    import pyarrow as pa

    table = group(SAMPLE).table.append_column(column_of("host"), pa.nulls(1, pa.string()))
    assert list(as_samples(LogGroup(table), "m").to_logs()) == [SAMPLE]


@pytest.mark.parametrize("value", ["1", "-1.5", "+2", ".5", "1e3", "1e-300", "00", "1."])
def test_values_that_are_numbers(value: str) -> None:
    assert [log["__value__"] for log in as_samples(group({**SAMPLE, "__value__": value}), "m").to_logs()] == [value]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"__value__": "fast"}, "__value__ that is no finite number: 'fast'"),
        ({"__value__": "nan"}, "no finite number"),
        ({"__value__": "1e999"}, "no finite number: '1e999'"),
        ({"__value__": ""}, "no finite number"),
        ({"__name__": "a-b"}, "'a-b' is no name of a metric"),
        ({"__name__": ""}, "no name of a metric"),
        ({"__labels__": "a=b"}, "'a=b' is no label"),
        ({"__time_nano__": "1.5"}, "no whole number: '1.5'"),
        ({"__time_nano__": "9999999999999999999"}, "no time is: '9999999999999999999'"),
        ({"__time_nano__": "99999999999"}, "after the year 2262"),
        ({"host": "h1"}, 'has the field \'host\', which no sample has: {"__name__": "pv"'),
    ],
)
def test_what_is_no_sample_is_refused_with_its_place(change: dict[str, str], words: str) -> None:
    with pytest.raises(ParameterInvalid) as caught:
        as_samples(group(SAMPLE, SAMPLE, {**SAMPLE, **change}, {**SAMPLE, **change}), "m")
    assert words in caught.value.message and "'m' does not take log 3" in caught.value.message
    assert caught.value.code == "MetricSampleInvalid" and "k1#$#v1" in (caught.value.hint or "")


@pytest.mark.parametrize("field", SAMPLE)
def test_a_field_that_is_missing(field: str) -> None:
    without = {name: text for name, text in SAMPLE.items() if name != field}
    for logs in ([SAMPLE, without], [without]):
        with pytest.raises(ParameterInvalid, match=f"log {len(logs)} of a batch: it has no field {field}: {{"):
            as_samples(group(*logs), "m")


def test_every_adapter_has_the_door(store: Logstore) -> None:
    files = store.write_files([group(SAMPLE, {**SAMPLE, "__time_nano__": "1617242401"})])
    store.commit(files)
    assert {(file.time_min, file.time_max) for file in files} == {(1_617_242_400, 1_617_242_401)}
    assert dict(files[0].typed) == {"__time_nano__": "long", "__value__": "double"}
    with pytest.raises(ParameterInvalid, match="'metrics' does not take log 1"):
        store.append([group({"message": "hello"})])
    back: list[Any] = [log for read in store.read() for log in read.to_logs()]
    assert sorted(log["__time_nano__"] for log in back) == [str(NANO), str(NANO + 10**9)]
    assert store.descriptor.index == METRIC_INDEX


def test_frames_of_views_are_taken() -> None:
    viewed = LogGroup.from_frame(group(SAMPLE, SAMPLE).frame())
    assert list(as_samples(viewed, "m").to_logs()) == [SAMPLE, SAMPLE]
    assert as_samples(LogGroup(viewed.table.slice(0, 0)), "m").num_rows == 0
