"""What every Logstore adapter must do; one suite for all of them."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.connectors.logstore_rows import ADAPTERS, Open, group, numbered, rows, values
from transforms.connectors.delta.shaping import typed_values
from transforms.core.clock import FixedClock
from transforms.core.errors import NotFound, ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.core.field_columns import RECEIVE_TIME, TIME, TIME_NS
from transforms.core.interval import ALL_TIME, Interval
from transforms.core.log_group import MAX_BYTES, MAX_ROWS, LogGroup
from transforms.stores.index import DOUBLE_TEXT, LONG_TEXT, FieldIndex, Index
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards, shard_of_key

# --- round trip -----------------------------------------------------------------------------------------------------


def test_a_new_store_is_empty(open_store: Open) -> None:
    store = open_store()
    found = store.snapshot()
    assert (found.files, found.files_total, found.rows_total, found.bytes_total, found.fields) == ((), 0, 0, 0, ())
    assert not found.has_overflow
    assert list(store.read()) == []
    assert list(store.tail(-1)) == []
    assert list(store.tail(store.version())) == []
    assert store.app_version("nobody") is None


def test_creating_twice_keeps_the_logs_and_dropping_ends_them(adapter: str, open_store: Open) -> None:
    store = open_store()
    store.append([numbered([1])])
    assert values(open_store().read()) == ["1"]
    _, create, drop = ADAPTERS[adapter]
    drop(store.descriptor)
    with pytest.raises(NotFound) as error:
        ADAPTERS[adapter][0](store.descriptor)
    assert error.value.code == "LogStoreNotExist"
    with pytest.raises(NotFound):
        drop(store.descriptor)
    create(store.descriptor)
    assert list(ADAPTERS[adapter][0](store.descriptor).read()) == []


ODD = [
    "", " ", "a b", "a.b", "a:b", "a\"b'c`d", "a\\b", "a/b", "%", "%41", "~", "~time_ns", "~shard", "a~~long",
    "日本", "é", "Ä", "ẞ", "K",
    "İ", "status", "Status", "STATUS", "x\ny", "x\ty", "a;b,c{d}(e)=f", "__topic__",
    "__tag__:pod.Name", "🜁", "1", "select", "\x00", "\x7f", "\ud800", "_",
    "__receive_time__", "filename", "file_row_number", "schema",
]  # fmt: skip


def test_fields_of_any_name_come_back(open_store: Open) -> None:
    store = open_store()
    log = {name: f"value {i}" for i, name in enumerate(ODD)}
    store.append([group(log, *({name: "alone"} for name in ODD))])
    found = [log for _, _, log in rows(store.read())]
    assert found == [log, *({name: "alone"} for name in ODD)]
    assert set(store.snapshot().fields) == set(ODD)
    assert rows(store.read(fields=["Status", ""]))[0][2] == {"Status": log["Status"], "": log[""]}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(-(10**12), 10**12),
            st.integers(0, 999_999_999),
            st.dictionaries(st.text(max_size=6).filter(lambda name: name != TIME), st.text(max_size=8), max_size=4),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_logs_come_back_in_order_of_event_time(adapter: str, tmp_path: Path, logs: list[tuple[int, int, dict[str, str]]]) -> None:
    adapter_class, create, drop = ADAPTERS[adapter]
    descriptor = LogstoreDescriptor("demo", "any", str(tmp_path / "any"), even_shards(1), kind=adapter)
    create(descriptor)
    store = adapter_class(descriptor, field_columns=3)
    try:
        seconds, nanoseconds, contents = zip(*logs, strict=True)
        store.append([LogGroup.from_logs(contents, seconds, nanoseconds)])
        assert rows(store.read()) == sorted(logs, key=lambda log: log[:2])
    finally:
        drop(descriptor)


def test_absent_and_empty_differ(open_store: Open) -> None:
    store = open_store()
    store.append([group({"a": "", "b": "x"}, {"b": ""}, {})])
    assert [log for _, _, log in rows(store.read())] == [{"a": "", "b": "x"}, {"b": ""}, {}]


def test_equal_event_times_keep_the_order_of_arrival(open_store: Open) -> None:
    store = open_store()
    store.append([numbered(range(3)), numbered(range(3, 6))])
    assert values(store.read()) == list("012345")
    store.append([LogGroup.from_logs([{"n": "b"}, {"n": "a"}, {"n": "c"}], [7, 7, 6], [5, 4, 9])])
    assert values(store.read(Interval(0, 50))) == ["c", "a", "b"]


def test_a_group_as_engines_make_it_is_taken(open_store: Open) -> None:
    store = open_store()
    table = pa.table({
        TIME: pa.array([3], pa.int64()), RECEIVE_TIME: pa.array([1], pa.int64()),
        "large": pa.array(["x"], pa.large_string()), "view": pa.array(["y"], pa.string_view()),
        "words": pa.array(["z"]).dictionary_encode(), "nothing": pa.nulls(1),
    })  # fmt: skip
    done = store.append([LogGroup(table)])
    (found,) = store.read()
    assert rows([found]) == [(3, 0, {"large": "x", "view": "y", "words": "z"})]
    assert found.table[RECEIVE_TIME].to_pylist() == [done.receive_time]
    assert {str(column.type) for column in found.table.columns} == {"int64", "int32", "string_view"}


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"a": ["x"]}, "__time__"),
        ({TIME: pa.nulls(1, pa.int64())}, "__time__"),
        ({TIME: [1], "a": [5]}, "'a'"),
        ({TIME: [1], "~mine": ["x"]}, "~mine"),
        ({TIME: ["1"]}, "__time__"),
        ({TIME: [1], TIME_NS: [1_000_000_000]}, "~time_ns"),
        ({TIME: [1], TIME_NS: [-1]}, "~time_ns"),
    ],
)
def test_a_group_that_is_none_is_refused(open_store: Open, columns: dict[str, Any], named: str) -> None:
    store = open_store()
    with pytest.raises(ParameterInvalid, match=named):
        store.append([LogGroup(pa.table(columns))])
    assert store.snapshot().files_total == 0


def test_nothing_to_append_changes_nothing(open_store: Open) -> None:
    store = open_store()
    before = store.version()
    empty = LogGroup(pa.table({TIME: pa.array([], pa.int64()), "a": pa.array([], pa.string())}))
    assert store.append([]).applied
    assert store.append([empty, empty]).version == before
    assert store.write_files([empty]) == []
    assert store.snapshot().fields == ()
    assert values(store.read()) == [] and store.append([empty, numbered([1])]).applied
    assert values(store.read()) == ["1"]


def test_a_megabyte_in_one_field_and_bounded_groups(open_store: Open) -> None:
    store = open_store()
    logs = [{"n": str(i), "text": chr(97 + i % 26) * 1_000_000} for i in range(80)]
    store.append([group(*logs[:40]), group(*logs[40:])])
    found = list(store.read())
    assert [log for _, _, log in rows(found)] == logs
    assert all(one.nbytes <= MAX_BYTES for one in found)
    files = [file.path for file in store.snapshot().files]
    wanted = logs[7]["text"]
    assert duckdb.execute("select n from read_parquet($1) where text = $2", [files, wanted]).fetchall() == [
        (str(i),) for i in (7, 33, 59)
    ]  # long texts are cut in file statistics; an engine must still find them


def test_many_logs_are_read_in_bounded_groups(open_store: Open) -> None:
    store = open_store()
    count = 3 * MAX_ROWS + 17
    numbers = pa.array(range(count), pa.int64())
    store.append([LogGroup(pa.table({TIME: numbers, "n": numbers.cast(pa.string())}))])
    found = list(store.read())
    assert max(one.num_rows for one in found) <= MAX_ROWS
    assert sum(one.num_rows for one in found) == count
    part = list(store.read(Interval(MAX_ROWS - 1, MAX_ROWS + 1)))
    assert values(part) == [str(MAX_ROWS - 1), str(MAX_ROWS)]
    assert all(one.nbytes < 10_000 for one in part)
    (file,) = store.snapshot().files
    assert pq.ParquetFile(file.path).num_row_groups == 2


# --- what a reader is told ----------------------------------------------------------------------------------------------------


def test_snapshot_prunes_by_event_time_and_by_receive_time(open_store: Open) -> None:
    clock = FixedClock(1_000_000_000)
    store = open_store(clock=clock)
    done = []
    for start in (-500, 0, 500):
        clock.set(clock.now_us() + 1_000_000)
        done.append(store.append([group({"n": str(start)}, {"n": "later"}, at=[start, start + 99])]))
    assert [file.time_min for file in store.snapshot().files] == [-500, 0, 500]
    assert [file.time_min for file in store.snapshot(Interval(99, 500)).files] == [0]
    assert store.snapshot(Interval(100, 500)).files == ()
    assert [file.time_min for file in store.snapshot(Interval.of(None, -401)).files] == [-500]
    assert [file.time_min for file in store.snapshot(Interval.of(599, None)).files] == [500]
    middle = done[1].receive_time
    assert [file.receive_time for file in store.snapshot(received=Interval(middle, middle + 1)).files] == [middle]
    assert store.snapshot(Interval(0, 1), received=Interval.of(middle + 1, None)).files == ()
    whole = store.snapshot(Interval(0, 1))
    assert (len(whole.files), whole.files_total, whole.rows_total, whole.fields) == (1, 3, 6, ("n",))
    assert whole.bytes_total == sum(file.size for file in store.snapshot().files)
    assert values(store.read(Interval(0, 99))) == ["0"]
    assert values(store.read(received=Interval(middle, middle + 1))) == ["0", "later"]
    assert list(store.read(Interval(1, 99))) == []


def test_engines_read_the_files_of_a_snapshot(open_store: Open) -> None:
    store = open_store(index=Index(None, {"n": FieldIndex("long")}))
    store.append([group({"n": "5", "a b": "x"})])
    store.append([group({"n": "six"}, {"n": "-7", "Z": "1"})])
    found = store.snapshot()
    for file in found.files:
        assert Path(file.path).is_file() and Path(file.path).stat().st_size == file.size
        assert pq.read_metadata(file.path).num_rows == file.rows
    query = 'select n, "n~~long", "a%20b" from read_parquet($1, union_by_name=true) order by 1'
    assert duckdb.execute(query, [[file.path for file in found.files]]).fetchall() == [("-7", -7, None), ("5", 5, "x"), ("six", None, None)]
    assert {file.typed for file in found.files} == {(("n", "long"),)}


def test_files_are_narrow(open_store: Open) -> None:
    store = open_store()
    store.append([group({"a": "1"})])
    store.append([group({"b": "1"})])
    names = [set(pq.read_schema(file.path).names) - {TIME, TIME_NS} for file in store.snapshot().files]
    assert names == [{"a"}, {"b"}]


LONGS = {
    "0": 0, "-0": 0, "+5": 5, "007": 7, "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63),
    "9223372036854775808": None, "99999999999999999999": None, "": None, " 1": None, "1 ": None, "1\n": None, "1.0": None, "1e3": None,
    "+": None, "--1": None, "+-1": None, "٣": None, "0x10": None, "1_000": None,
}  # fmt: skip
DOUBLES = {
    "1": 1.0, "+.5": 0.5, "-5.": -5.0, "1e3": 1000.0, "1E-3": 0.001, "-1.25e+10": -1.25e10, "1e400": math.inf, "1e-999": 0.0,
    "nan": None, "inf": None, "Infinity": None, "": None, ".": None, "1e": None, "1e1000": None, " 1": None, "1,5": None, "+-1.5": None,
    "9223372036854775808": 9223372036854775808.0,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "expected"), [("long", LONGS), ("double", DOUBLES)])
def test_typed_columns_hold_a_number_exactly_where_the_text_is_one(open_store: Open, kind: Any, expected: dict[str, Any]) -> None:
    store = open_store(index=Index(None, {"v": FieldIndex(kind)}))
    store.append([group(*({"v": text} for text in expected), {})])
    (file,) = store.snapshot().files
    found = pq.read_table(file.path, columns=["v", f"v~~{kind}"]).to_pylist()
    assert {row["v"]: row[f"v~~{kind}"] for row in found if row["v"] is not None} == expected
    assert found[-1] == {"v": None, f"v~~{kind}": None}


@pytest.mark.parametrize(("kind", "rule"), [("long", LONG_TEXT), ("double", DOUBLE_TEXT)])
def test_a_cast_is_trusted_only_where_it_reads_what_the_rule_does(kind: str, rule: str) -> None:
    short = ["".join(text) for length in range(4) for text in itertools.product("059+-._eEnNaifI\tx,\x00é'", repeat=length)]
    long = [
        "0" * 18 + "5",
        "0" * 19 + "5",
        "-" + "0" * 18 + "5",
        "+" + "9" * 18,
        "1e0001",
        "1e-0001",
        "+nan",
        "-inf",
        "Infinity",
        "+1.5e+300",
        "1e999",
    ]
    texts = [*short, *long]
    convert: Any = int if kind == "long" else float
    expected = [convert(text) if re.search(rule.replace("$", r"\Z"), text) else None for text in texts]
    assert typed_values(pl.Series("v", texts), "v", kind).to_list() == expected


def test_typed_columns_agree_with_the_cast_of_an_engine() -> None:
    """Files from before an index are cast when they are queried: a query must not tell them from the others."""
    chance = random.Random(3)
    texts = ["".join(chance.choice("0123456789.eE+- ") for _ in range(chance.randrange(1, 9))) for _ in range(5_000)]
    texts += [f"{chance.uniform(-1, 1) * 10.0 ** chance.randrange(-320, 308):.17g}" for _ in range(500)]
    texts += [str(chance.randrange(-(2**64), 2**64)) for _ in range(500)]
    frame = pl.DataFrame({"v": [*texts, *LONGS, *DOUBLES]})
    stored = frame.with_columns(typed_values(frame["v"], "v", "double"), typed_values(frame["v"], "v", "long")).to_arrow()
    query = f"""
        select v, "v~~double", "v~~long" from stored
        where "v~~double" is distinct from (case when regexp_matches(v, '{DOUBLE_TEXT}') then try_cast(v as double) end)
           or "v~~long" is distinct from (case when regexp_matches(v, '{LONG_TEXT}') then try_cast(v as bigint) end)
    """
    with duckdb.connect() as engine:
        engine.register("stored", stored)
        assert engine.execute(query).fetchall() == []
    assert stored["v~~long"].null_count < len(stored) - 500


# --- exactly once -------------------------------------------------------------------------------------------------------------


def test_a_repeated_app_transaction_changes_nothing(open_store: Open) -> None:
    store = open_store()
    first = store.append([numbered([1])], app=AppTransaction("job", 3))
    assert first.applied and first.previous_app_version is None
    for version in (3, 2, 0):
        again = store.append([numbered([1])], app=AppTransaction("job", version))
        assert (again.applied, again.previous_app_version, again.version) == (False, 3, first.version)
        assert again.receive_time == first.receive_time
    files = store.write_files([numbered([9])])
    assert not store.commit(files, app=AppTransaction("job", 3)).applied
    other = store.append([numbered([2])], app=AppTransaction("other job", 1))
    assert other.applied and other.version > first.version and other.receive_time > first.receive_time
    assert store.append([numbered([3])], app=AppTransaction("job", 8)).previous_app_version == 3
    assert (store.app_version("job"), store.app_version("other job")) == (8, 1)
    assert sorted(values(store.read())) == ["1", "2", "3"]


def test_version_zero_counts(open_store: Open) -> None:
    store = open_store()
    assert store.append([numbered([1])], app=AppTransaction("job", 0)).applied
    assert not store.append([numbered([1])], app=AppTransaction("job", 0)).applied
    assert store.app_version("job") == 0


def test_an_empty_commit_fences(open_store: Open) -> None:
    store, zombie = open_store(), open_store()
    files = zombie.write_files([numbered([1])])
    fence = store.commit((), app=AppTransaction("lane", 5))
    assert fence.applied and fence.previous_app_version is None
    assert not zombie.commit(files, app=AppTransaction("lane", 4)).applied
    assert list(store.read()) == []
    assert list(store.tail(-1)) == []
    assert store.commit((), app=AppTransaction("lane", 6)).previous_app_version == 5


@pytest.mark.parametrize("app", [AppTransaction("", 1), AppTransaction("job", -1)])
def test_a_senseless_app_transaction_is_refused(open_store: Open, app: AppTransaction) -> None:
    with pytest.raises(ParameterInvalid):
        open_store().append([numbered([1])], app=app)


def test_receive_times_rise_even_when_the_clock_stands_or_goes_back(open_store: Open) -> None:
    clock = FixedClock(5_000_000)
    store = open_store(clock=clock)
    times = [store.append([numbered([1])]).receive_time for _ in range(3)]
    clock.set(1)
    times.append(store.append([numbered([1])]).receive_time)
    assert times == [5_000_000, 5_000_001, 5_000_002, 5_000_003]
    assert [file.receive_time for file in store.snapshot().files] == times
    clock.set(9_000_000)
    assert store.append([numbered([1])]).receive_time == 9_000_000
    assert [time for one in store.read() for time in one.table[RECEIVE_TIME].to_pylist()] == [*times, 9_000_000]


def test_files_become_visible_only_by_their_commit_and_all_at_once(open_store: Open) -> None:
    store = open_store(shards=2)
    files = [*store.write_files([numbered([1])], shard=0), *store.write_files([numbered([2])], shard=1)]
    assert [file.receive_time for file in files] == [None, None]
    assert list(store.read()) == [] and store.snapshot().files_total == 0
    done = store.commit(files)
    assert {file.receive_time for file in store.snapshot().files} == {done.receive_time}
    assert sorted(values(open_store(shards=2).read())) == ["1", "2"]


def test_replace_removes_and_adds_in_one_version(open_store: Open) -> None:
    store = open_store()
    store.append([numbered([1])])
    store.append([numbered([2])])
    old = store.snapshot().files[0]
    done = store.commit(store.write_files([numbered([10, 11])]), remove=[old], app=AppTransaction("job", 1))
    assert sorted(values(store.read())) == ["10", "11", "2"]
    assert [values(batch.groups) for batch in store.tail(done.version - 1)] == [["10", "11"]]
    with pytest.raises(StoreRejected, match="any more"):
        store.commit(store.write_files([numbered([12])]), remove=[old], app=AppTransaction("job", 2))
    assert store.app_version("job") == 1
    assert sorted(values(store.read())) == ["10", "11", "2"]
    repeated = store.commit((), remove=[old], app=AppTransaction("job", 1))
    assert not repeated.applied  # what was done is not asked again


def test_files_of_elsewhere_and_files_that_are_gone_are_refused(open_store: Open, tmp_path: Path) -> None:
    store = open_store()
    (file,) = store.write_files([numbered([1])])
    with pytest.raises(ParameterInvalid, match="not inside"):
        store.commit([replace(file, path=str(tmp_path / "elsewhere.parquet"))])
    Path(file.path).unlink()
    with pytest.raises(StoreRejected, match="gone"):
        store.commit([file])
    assert list(store.read()) == []


def test_one_file_named_twice_is_there_once(open_store: Open) -> None:
    store = open_store()
    files = store.write_files([numbered([1])])
    store.commit([*files, *files])
    assert values(store.read()) == ["1"]


def test_threads_append_at_once(open_store: Open) -> None:
    stores = [open_store(shards=2) for _ in range(4)]

    def lane(at: int) -> list[bool]:
        # Each step is tried twice: the second must change nothing.
        return [
            stores[at].append([numbered([100 * at + n])], app=AppTransaction(f"lane {at}", n)).applied for n in range(8) for _ in range(2)
        ]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lane, range(4))) == [[True, False] * 8] * 4
    assert sorted(map(int, values(stores[0].read()))) == [100 * at + n for at in range(4) for n in range(8)]
    times = [batch.receive_time for batch in stores[0].tail(-1)]
    assert len(times) == 32 and times == sorted(set(times))


def test_a_store_that_cannot_be_written_or_read_says_where(open_store: Open) -> None:
    store = open_store()
    store.append([numbered([1])])
    (file,) = store.snapshot().files
    folder = Path(file.path).parent
    Path(file.path).write_bytes(b"no parquet at all")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        list(store.read())
    folder.rename(folder.with_name("moved"))
    folder.write_text("a file where the folder was")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        store.append([numbered([2])])
    assert store.snapshot().rows_total == 1


# --- shards -------------------------------------------------------------------------------------------------------------------


def test_shards_by_number_by_key_and_balanced(open_store: Open) -> None:
    store = open_store(shards=4)
    assert {file.shard for file in store.write_files([numbered([1])], shard=2)} == {2}
    for key in ("a", "b", "日", ""):
        assert {file.shard for file in store.write_files([numbered([1])], hash_key=key)} == {shard_of_key(even_shards(4), key).id}
    balanced = Counter(file.shard for _ in range(12) for file in store.write_files([numbered([1])]))
    assert balanced == {0: 3, 1: 3, 2: 3, 3: 3}
    with pytest.raises(NotFound, match="no shard 4"):
        store.write_files([numbered([1])], shard=4)
    with pytest.raises(ParameterInvalid, match="hash_key and shard cannot be given together"):
        store.write_files([numbered([1])], shard=1, hash_key="a")


# --- tail ---------------------------------------------------------------------------------------------------------------------


def test_tail_gives_each_commit_once_in_order(open_store: Open) -> None:
    store = open_store()
    done = [store.append([numbered([n, -n])]) for n in range(1, 6)]
    store.commit((), app=AppTransaction("fence", 1))
    batches = list(store.tail(-1))
    assert [(batch.version, batch.receive_time) for batch in batches] == [(one.version, one.receive_time) for one in done]
    assert [values(batch.groups) for batch in batches] == [[str(n), str(-n)] for n in range(1, 6)]
    assert [values(batch.groups) for batch in store.tail(done[2].version)] == [["4", "-4"], ["5", "-5"]]
    assert list(store.tail(store.version())) == []
    with pytest.raises(NotFound) as error:
        list(store.tail(store.version() + 1))
    assert error.value.code == "CursorInvalid"


# --- many fields, no field, far times ----------------------------------------------------------------------------------------


def test_fields_past_the_limit_share_a_column_and_come_back(open_store: Open) -> None:
    store = open_store(field_columns=5, index=Index(None, {"late": FieldIndex("long")}))
    logs = [{f"f{i}": f"v{i}", f"f{i + 1}": "", "all": str(i)} for i in range(12)]
    for log in logs:
        store.append([group(log)])
    long_name = "n" * 300
    store.append([group({long_name: "x", "late": "5", "日" * 90: "y"}, {"all": "12"})])
    expected = [*logs, {long_name: "x", "late": "5", "日" * 90: "y"}, {"all": "12"}]
    found = store.snapshot()
    assert found.has_overflow
    assert len(found.fields) == 6 and "late" in found.fields  # an indexed field gets its column beyond the limit
    assert [log for _, _, log in rows(store.read())] == expected
    assert [log for _, _, log in rows(store.read(fields=["f9", "all"]))][9] == {"f9": "v9", "all": "9"}
    store.compact(min_files=2)
    assert [log for _, _, log in rows(store.read())] == expected
    assert [log for _, _, log in rows(store.read(fields=[long_name]))][12] == {long_name: "x"}


def test_thousands_of_rare_names_do_not_break_a_store(open_store: Open) -> None:
    store = open_store(field_columns=50)
    logs = [{f"rare {i}": str(i), "n": "1"} for i in range(1_200)]
    store.append([LogGroup.from_logs(logs[at : at + 300], [at] * 300) for at in range(0, 1_200, 300)])
    assert [log for _, _, log in rows(store.read())] == logs
    assert len(store.snapshot().fields) == 50


def test_no_field_asked_for_gives_the_times(open_store: Open) -> None:
    store = open_store()
    done = store.append([numbered([1, 2])])
    (found,) = store.read(fields=[])
    assert found.table.to_pydict() == {TIME: [100, 100], TIME_NS: [0, 0], RECEIVE_TIME: [done.receive_time] * 2}


def test_all_time_reads_the_same_as_no_interval(open_store: Open) -> None:
    store = open_store()
    store.append([group({"n": "a"}, {"n": "b"}, at=[-(10**15), 10**15])])
    assert values(store.read(ALL_TIME, received=ALL_TIME)) == values(store.read()) == ["a", "b"]


def test_intervals_beyond_all_times(open_store: Open) -> None:
    store = open_store()
    store.append([group({"n": "first"}, {"n": "last"}, at=[-(2**63), 2**63 - 2])])
    assert values(store.read(Interval.of(-(2**80), 0))) == ["first"]
    assert values(store.read(Interval.of(0, 2**80))) == ["last"]
    for nothing in (Interval.of(2**80, None), Interval.of(None, -(2**80)), Interval(5, 5), Interval(7, 3)):
        assert list(store.read(nothing)) == []
        assert list(store.read(received=nothing)) == []
