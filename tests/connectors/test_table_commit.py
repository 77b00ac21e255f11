"""An instance's rows in a table: once, however often they are committed; replaced by a re-run; refused when they would not be found."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.connectors.sql_stores import mysql_store, rows, sqlite_store
from tests.mariadb import Database, MariadbServer
from transforms.connectors.sql_database import SqlDatabaseStore
from transforms.connectors.sql_database_records import RECORDS_TABLE
from transforms.connectors.sql_database_sqlite import SqliteDialect
from transforms.core.errors import CommitConflict, ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.core.interval import Interval
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.table_commit import TableCommit, TableCommitted

START = 1_700_000_100
WINDOW = Interval(START, START + 300)
MINUTES = "create table t (minute bigint not null, city varchar(20) not null, n int, run_id varchar(64), unique (minute, city))"
Make = Callable[..., SqlDatabaseStore]
Mode = dict[str, Any]


@pytest.fixture(params=["mysql", "sqlite"])
def make(request: pytest.FixtureRequest, mariadb: MariadbServer, tmp_path: Path) -> Make:
    """A store on the first table that the statements make."""
    database = mariadb.database()

    def made(*statements: str, table: str = "t", **more: str) -> SqlDatabaseStore:
        if request.param == "mysql":
            database.execute(*statements)
            return mysql_store(database, table, tmp_path, **more)
        store = sqlite_store(tmp_path / "t.db", table, *statements)
        return SqlDatabaseStore(replace(store.descriptor, parameter={**store.descriptor.parameter, **more}))

    return made


def commit(attempt: int, instance: str = "one", run: int = 1, window: Interval = WINDOW, **more: Any) -> TableCommit:
    return TableCommit("job-7", attempt, instance, run, window, **more)


def batch(*rows: Sequence[Any], names: str = "minute city n run_id") -> Any:
    columns = names.split()
    types = {"minute": pa.int64(), "n": pa.int64()}
    return pa.record_batch([pa.array([row[i] for row in rows], types.get(name, pa.string())) for i, name in enumerate(columns)], columns)


def minutes(*found: tuple[int, str, int]) -> list[Any]:
    return [batch(*((START + at, city, n, None) for at, city, n in found))]


def table(store: SqlDatabaseStore) -> set[tuple[Any, ...]]:
    found = rows(store.read([column.name for column in store.columns()]))
    assert len(found) == len(set(found)), found
    return set(found)


def stored(*found: tuple[int, str, int], run_id: str | None = None) -> set[tuple[Any, ...]]:
    return {(START + at, city, n, run_id) for at, city, n in found}


ANN, BOB, BOB2 = (0, "Oslo", 1), (60, "Rome", 2), (60, "Rome", 3)
MODES: list[Mode] = [{}, {"key_columns": ("minute", "city")}, {"window_column": "minute"}]


@pytest.mark.parametrize("mode", MODES, ids=["none", "key", "window"])
def test_the_same_attempt_again_changes_nothing(make: Make, mode: Mode) -> None:
    store = make(MINUTES)
    assert store.commit_rows(minutes(ANN, BOB), commit(1, **mode)) == TableCommitted(2, True, 1)
    assert store.commit_rows(minutes(ANN), commit(1, **mode)) == TableCommitted(2, False, 1)
    assert store.commit_rows([], commit(1, **mode)) == TableCommitted(2, False, 1)
    assert table(store) == stored(ANN, BOB)


@pytest.mark.parametrize("mode", MODES[1:], ids=["key", "window"])
def test_a_later_attempt_replaces(make: Make, mode: Mode) -> None:
    store = make(MINUTES)
    store.commit_rows(minutes(ANN, BOB), commit(1, **mode))
    assert store.commit_rows(minutes(ANN, BOB2), commit(2, **mode)) == TableCommitted(2, True, 2)
    assert store.commit_rows(minutes(ANN, BOB2), commit(5, run=2, succeeded_before=True, **mode)) == TableCommitted(2, True, 5)
    assert table(store) == stored(ANN, BOB2)


def test_a_key_that_no_longer_occurs_stays_by_key_and_goes_by_window(make: Make) -> None:
    store = make(MINUTES)
    store.commit_rows(minutes(ANN, BOB), commit(1, key_columns=("minute", "city")))
    store.commit_rows(minutes(ANN), commit(2, key_columns=("minute", "city")))
    assert table(store) == stored(ANN, BOB)
    store.commit_rows(minutes(ANN), commit(3, run=2, window_column="minute"))
    assert table(store) == stored(ANN)


def test_an_empty_result_removes_earlier_rows_and_is_recorded(make: Make) -> None:
    store = make(MINUTES, f"insert into t values ({START + 300}, 'next', 1, null), ({START - 1}, 'before', 1, null)")
    store.commit_rows(minutes(ANN, BOB), commit(1, window_column="minute"))
    assert store.commit_rows([], commit(2, window_column="minute")) == TableCommitted(0, True, 2)
    assert store.commit_rows(minutes(ANN), commit(2, window_column="minute")) == TableCommitted(0, False, 2)
    assert {row[1] for row in table(store)} == {"next", "before"}
    assert store.commit_rows([batch()], commit(3, "two")) == TableCommitted(0, True, 3)


def test_without_a_way_to_find_rows_a_run_is_written_once(make: Make) -> None:
    store = make(MINUTES)
    store.commit_rows(minutes(ANN), commit(1))
    # Attempt 1 had committed and died before anybody knew; so had the whole first run, as far as the ledger knows.
    assert store.commit_rows(minutes(ANN, BOB), commit(2)) == TableCommitted(1, False, 1)
    assert store.commit_rows(minutes(ANN, BOB), commit(3, run=2)) == TableCommitted(1, False, 1)
    with pytest.raises(StoreRejected, match="'one' has written its rows in an earlier run") as caught:
        store.commit_rows(minutes(ANN, BOB), commit(4, run=2, succeeded_before=True))
    assert caught.value.code == "InstanceRerunRefused"
    assert caught.value.hint == "set keyColumns, windowColumn or instanceColumn to have them replaced"
    with pytest.raises(StoreRejected):
        store.commit_rows(minutes(ANN, BOB), commit(4, "forgotten", run=2, succeeded_before=True))
    assert store.commit_rows(minutes(BOB), commit(5, "two")) == TableCommitted(1, True, 5)
    assert table(store) == stored(ANN, BOB)


def test_the_instance_column_is_filled_in_wherever_it_stands(make: Make) -> None:
    store = make("create table t (minute bigint, run_id varchar(64), n int)", "insert into t values (1, 'other', 1), (2, null, 2)")
    first = [batch((1, 10), (2, 20), names="minute n"), batch((3, 30), names="minute n")]
    mode: Mode = {"instance_column": "run_id"}
    assert store.commit_rows(first, commit(1, **mode)) == TableCommitted(3, True, 1)
    assert store.commit_rows([batch((9, 90), names="minute n")], commit(2, "two", **mode)) == TableCommitted(1, True, 2)
    assert store.commit_rows([batch((5, 50), names="minute n")], commit(3, run=2, **mode)) == TableCommitted(1, True, 3)
    assert table(store) == {(1, "other", 1), (2, None, 2), (9, "two", 90), (5, "one", 50)}
    assert store.commit_rows([], commit(4, run=3, **mode)).rows == 0
    assert {row[1] for row in table(store)} == {"other", None, "two"}
    with pytest.raises(ParameterInvalid, match="has 2 columns, the rows to write have 3"):
        store.commit_rows([batch((1, "x", 1), names="minute city n")], commit(5, **mode))


def test_an_overtaken_attempt_is_refused(make: Make) -> None:
    store = make(MINUTES)
    store.commit_rows(minutes(ANN), commit(5, window_column="minute"))
    for overtaken in (commit(4, window_column="minute"), commit(4, "two"), commit(1, run=9, key_columns=("minute", "city"))):
        with pytest.raises(CommitConflict, match=r"attempt \d of the job 'job-7' was overtaken: attempt 5 has committed") as caught:
            store.commit_rows(minutes(BOB), overtaken)
        assert caught.value.code == "InstanceSuperseded"
    # Instances that share an attempt, and other jobs, are no affair of it.
    assert store.commit_rows(minutes(BOB), commit(5, "two")).applied
    assert store.commit_rows(minutes((120, "Bern", 1)), replace(commit(1), job="job-8")).applied
    # Who learns that its rows are there has overtaken as well.
    store.commit_rows([], commit(9, "two"))
    with pytest.raises(CommitConflict):
        store.commit_rows([], commit(8, "three"))
    assert table(store) == stored(ANN, BOB, (120, "Bern", 1))


def test_an_attempt_that_committed_is_known_after_later_ones(make: Make) -> None:
    store = make(MINUTES)
    store.commit_rows(minutes(ANN), commit(1))
    store.commit_rows(minutes(BOB), commit(2, "two"))
    assert store.commit_rows(minutes(ANN), commit(1)) == TableCommitted(1, False, 1)


@pytest.mark.parametrize(
    ("kind", "zone", "inside", "outside"),
    [
        ("bigint", "", [START, START + 299], [START - 1, START + 300, None]),
        ("bigint unsigned", "", [START], [START + 300]),
        ("datetime", "", [dt.datetime(2023, 11, 14, 22, 15), dt.datetime(2023, 11, 14, 22, 19, 59)],
         [dt.datetime(2023, 11, 14, 22, 14, 59), dt.datetime(2023, 11, 14, 22, 20), None]),
        ("datetime", "+08:00", [dt.datetime(2023, 11, 15, 6, 15)], [dt.datetime(2023, 11, 14, 22, 15)]),
        ("timestamp", "+08:00", [dt.datetime(2023, 11, 15, 6, 15)], [dt.datetime(2023, 11, 15, 6, 20)]),
        ("timestamp", "", [dt.datetime(2023, 11, 14, 22, 15, tzinfo=dt.UTC)], [dt.datetime(2023, 11, 14, 22, 20, tzinfo=dt.UTC)]),
        ("datetime", "+08:00", [dt.datetime(2023, 11, 14, 22, 15, tzinfo=dt.UTC)], [dt.datetime(2023, 11, 15, 6, 15, tzinfo=dt.UTC)]),
        ("datetime(6)", "-03:30", [dt.datetime(2023, 11, 14, 18, 49, 59, 999999)], [dt.datetime(2023, 11, 14, 18, 50)]),
    ],
)  # fmt: skip
def test_a_window_column_of_any_type(make: Make, kind: str, zone: str, inside: list[Any], outside: list[Any]) -> None:
    store = make(f"create table t (at {kind} null, n int)", timezone=zone)

    def made(*moments: Any) -> list[Any]:
        aware = isinstance(moments[0], dt.datetime) and moments[0].tzinfo is not None
        stamp = pa.timestamp("us", "UTC" if aware else None)
        return [pa.record_batch({"at": pa.array(moments, stamp if "t" in kind[-9:] and "int" not in kind else pa.int64()),
                                 "n": pa.array(range(len(moments)), pa.int64())})]  # fmt: skip

    assert store.commit_rows(made(*inside), commit(1, window_column="AT")).rows == len(inside)
    neighbours = (commit(2, "before", window=Interval(START - 300, START)), commit(3, "after", window=Interval(START + 300, START + 600)))
    for neighbour in neighbours:
        store.commit_rows([], replace(neighbour, window_column="at"))
    assert len(table(store)) == len(inside)
    for value in outside:
        with pytest.raises(StoreRejected, match=r"does not fit column at .*") as caught:
            store.commit_rows(made(*inside, value), commit(4, window_column="at"))
        assert "must lie in the instance's window [" in (caught.value.hint or "")
    assert len(table(store)) == len(inside)
    assert store.commit_rows(made(inside[0]), commit(5, window_column="at")).applied
    assert len(table(store)) == 1


@pytest.mark.parametrize(
    ("start", "end", "clear"),
    [
        ("2024-10-26T22:00", "2024-10-27T23:00", True),  # the whole day, with both hours
        ("2024-10-27T00:00", "2024-10-27T01:00", False),  # 02:00 to 03:00 in summer time,
        ("2024-10-27T01:00", "2024-10-27T02:00", False),  # and once more in winter time
        ("2024-10-27T00:00", "2024-10-27T02:00", True),  # both together
        ("2024-10-27T02:00", "2024-10-27T03:00", True),
        ("2024-10-26T23:45", "2024-10-27T00:15", False),
        ("2024-03-31T00:30", "2024-03-31T01:30", True),  # an hour is left out
        ("2024-06-01T00:00", "2024-06-01T00:01", True),
    ],
)
def test_times_that_occur_twice_are_no_window(tmp_path: Path, start: str, end: str, clear: bool) -> None:
    store = sqlite_store(tmp_path / "t.db", "t", "create table t (at datetime, n int)")
    store = SqlDatabaseStore(replace(store.descriptor, parameter={**store.descriptor.parameter, "timezone": "Europe/Berlin"}))
    window = Interval(*(int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp()) for text in (start, end)))
    if clear:
        assert store.commit_rows([], commit(1, window=window, window_column="at")).applied
        return
    with pytest.raises(StoreRejected, match="the clocks are set back") as caught:
        store.commit_rows([], commit(1, window=window, window_column="at"))
    assert "bigint" in (caught.value.hint or "")


def test_keys_are_equal_as_the_database_has_it(make: Make) -> None:
    store = make("create table t (k varchar(20) not null, n int, primary key (k))")
    mode: Mode = {"key_columns": ("k",)}

    def keyed(*found: tuple[str | None, int]) -> list[Any]:
        return [batch(*found, names="k n")]

    store.commit_rows(keyed(("😀", 1), ("x'%s\\\"", 2), ("größe", 3)), commit(1, **mode))
    store.commit_rows(keyed(("😀", 4), ("x'%s\\\"", 5)), commit(2, **mode))
    assert table(store) == {("😀", 4), ("x'%s\\\"", 5), ("größe", 3)}
    same: list[tuple[str | None, int]] = [("a", 1), ("a", 2)]
    if store.descriptor.kind != "sqlite":
        same += [("b", 1), ("B", 2), ("😀", 1), ("🎉", 2)]  # equal to it, in the table's collation
    for first, second in zip(same[::2], same[1::2], strict=True):
        with pytest.raises(StoreRejected) as caught:
            store.commit_rows([*keyed(first), *keyed(second)], commit(3, **mode))
        assert "two rows of the result have the same key" in (caught.value.hint or "")
    with pytest.raises(StoreRejected, match="NULL does not fit column k") as caught:
        store.commit_rows(keyed(("c", 1), (None, 2)), commit(3, **mode))
    assert "key column" in (caught.value.hint or "")
    assert table(store) == {("😀", 4), ("x'%s\\\"", 5), ("größe", 3)}


def test_many_keys_of_all_types_and_odd_names(make: Make) -> None:
    columns = "`a%s` bigint, `b ``c` varchar(20), d date, e decimal(10,2), n int, primary key (`a%s`, `b ``c`, d, e)"
    store = make(f"create table `t %s` ({columns})", table="t %s")
    count = 3_000

    def made(n: int) -> list[Any]:
        numbers = range(count)
        return [
            pa.record_batch([
                pa.array([i // 3 for i in numbers]), pa.array([f"k{i % 3}" for i in numbers]).dictionary_encode(),
                pa.array([dt.date(2024, 2, 29)] * count), pa.array([i * 100 + 5 for i in numbers]).cast(pa.decimal128(19, 0)),
                pa.array([n] * count),
            ], list("abcde"))
        ]  # fmt: skip

    mode: Mode = {"key_columns": ("a%s", "b `c", "d", "e")}
    store.commit_rows(made(1), commit(1, **mode))
    assert store.commit_rows(made(2), commit(2, **mode)).rows == count
    assert [n for (n,) in rows(store.read(["n"]))] == [2] * count


def test_an_automatic_number_is_filled_in_and_computed_columns_are_left_out(make: Make) -> None:
    number = "id integer primary key" if make("create table x (i int)", table="x").descriptor.kind == "sqlite" else (
        "id int auto_increment primary key")  # fmt: skip
    store = make(f"create table t ({number}, k int not null, n int, twice int generated always as (n * 2) stored, unique (k))")
    made = [pa.record_batch([pa.array([None, None], pa.int64()), pa.array([1, 2]), pa.array([n, n])], ["a", "b", "c"]) for n in (10, 20)]
    store.commit_rows(made[:1], commit(1, key_columns=("k",)))
    store.commit_rows(made[1:], commit(2, key_columns=("k",)))
    assert [row[1:] for row in sorted(table(store))] == [(1, 20, 40), (2, 20, 40)]
    with pytest.raises(ParameterInvalid, match="key column twice is computed by the database"):
        store.commit_rows(made, commit(3, key_columns=("twice",)))


def test_key_columns_need_an_index_over_just_them(make: Make) -> None:
    store = make("create table t (a int not null, b int not null, c varchar(200), f float, unique (a, b))", "create index plain on t (a)")
    made = [pa.record_batch([pa.array([1]), pa.array([2]), pa.array(["x"]), pa.array([0.5])], list("abcf"))]
    for keys in (("a",), ("a", "b", "c"), ("c",)):
        with pytest.raises(StoreRejected, match="no PRIMARY KEY or UNIQUE index is over just the key columns") as caught:
            store.commit_rows(made, commit(1, key_columns=keys))
        assert "there are: (a, b)" in (caught.value.hint or "")
    with pytest.raises(ParameterInvalid, match="key column f is float"):
        store.commit_rows(made, commit(1, key_columns=("f",)))
    partial = (
        "create unique index cut on t (c(10))" if store.descriptor.kind != "sqlite" else "create unique index cut on t (c) where a > 1"
    )
    make(partial)
    with pytest.raises(StoreRejected, match="no PRIMARY KEY"):
        store.commit_rows(made, commit(1, key_columns=("c",)))
    assert store.commit_rows(made, commit(1, key_columns=("B", "a"))).applied


def test_columns_that_do_not_fit_their_part(make: Make) -> None:
    store = make("create table t (at date, n int, city varchar(3), run_id varchar(64))")
    refused: list[tuple[Mode, str, str]] = [
        ({"window_column": "at"}, "the window column at is date", "bigint with Unix seconds"),
        ({"window_column": "att"}, "has no column 'att' to be the window column", "did you mean 'at'"),
        ({"instance_column": "city"}, r"the instance column city varchar\(3\) cannot hold the id 'quite-long'", r"varchar(64)"),
        ({"instance_column": "n"}, r"the instance column n (int|INT)", "varchar(64)"),
        ({"key_columns": ("runid",)}, "no column 'runid' to be the key column", "did you mean 'run_id'"),
    ]
    for mode, message, hint in refused:
        with pytest.raises(ParameterInvalid, match=message) as caught:
            store.commit_rows([], commit(1, "quite-long", **mode))
        assert hint in (caught.value.hint or "")
    assert table(store) == set()


def test_a_changed_way_of_finding_rows_must_find_them(make: Make) -> None:
    store = make(MINUTES)
    store.commit_rows(minutes(ANN, BOB), commit(1))
    named = [batch((START, "x", 1), names="minute city n")]
    with pytest.raises(
        StoreRejected, match="wrote 2 rows in an earlier run, when they were found otherwise, and only 0 are found"
    ) as caught:
        store.commit_rows(named, commit(2, run=2, succeeded_before=True, instance_column="run_id"))
    assert caught.value.code == "InstanceRerunRefused"
    assert store.commit_rows(minutes(ANN), commit(3, run=2, succeeded_before=True, window_column="minute")).applied
    assert table(store) == stored(ANN)


def test_one_shot_batches_and_batches_that_change(make: Make) -> None:
    store = make(MINUTES)
    assert store.commit_rows(iter(minutes(ANN) + minutes(BOB)), commit(1, key_columns=("minute", "city"))).rows == 2
    other = pa.record_batch({"a": ["x"], "b": ["y"], "c": ["z"], "d": ["w"]})
    for mode in MODES:
        with pytest.raises(ParameterInvalid, match="change their types"):
            store.commit_rows([*minutes((120, "Bern", 1)), other], commit(2, "two", **mode))
    with pytest.raises(ParameterInvalid, match="has 4 columns, the rows to write have 1"):
        store.commit_rows([pa.record_batch({"a": [1]})], commit(2))
    assert table(store) == stored(ANN, BOB)


def test_old_records_go_and_the_fence_stays(make: Make) -> None:
    store = make(MINUTES)
    for number in range(1, 4):
        store.commit_rows([], commit(number, f"i{number}"))
    records = SqlDatabaseStore(replace(store.descriptor, parameter={**store.descriptor.parameter, "table": RECORDS_TABLE}))
    make(f"update {RECORDS_TABLE} set committed_us = 1000 where instance <> 'i3'")
    store.commit_rows([], commit(15, "i15"))
    assert len(table(records)) == 5
    store.commit_rows([], commit(16, "i16"))
    assert {(row[2], row[4]) for row in table(records)} == {("", 16), ("i3", 3), ("i15", 15), ("i16", 16)}


def test_tables_of_one_database_have_records_of_their_own(make: Make) -> None:
    one, two = make("create table t (n int)"), make("create table u (n int)", table="u")
    made = [pa.record_batch({"n": pa.array([1], pa.int64())})]
    assert one.commit_rows(made, commit(1)).applied
    assert two.commit_rows(made, commit(2)).applied
    assert (len(table(one)), len(table(two))) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"job": ""}, "no id of a job"),
        ({"instance": "x" * 129}, "no id of an instance"),
        ({"instance": "x "}, "no id of an instance"),
        ({"attempt": 0}, "counted from 1"),
        ({"run": 0}, "counted from 1"),
        ({"key_columns": ("a",), "window_column": "b"}, "exclude each other"),
        ({"key_columns": ("a", "a")}, "not distinct"),
        ({"window_column": "b", "window": Interval(5, 5)}, "is empty"),
    ],
)
def test_a_commit_that_contradicts_itself(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterInvalid, match=message):
        replace(commit(1), **changes)


def test_csv_tables_are_not_written(tmp_path: Path) -> None:
    from transforms.connectors import open_external_store

    (tmp_path / "t.csv").write_text("a\n1\n")
    store = open_external_store(ExternalStoreDescriptor("c", "csv", {"path": str(tmp_path / "t.csv")}))
    with pytest.raises(StoreRejected, match="cannot be written"):
        store.commit_rows([], commit(1))


def limited(mariadb: MariadbServer, database: Database, *grants: str) -> Database:
    user = f"{database.user}_l"
    mariadb.execute(f"create user {user}@'%' identified by 'limited-password'", *(f"grant {grant} to {user}@'%'" for grant in grants))
    return replace(database, user=user, password="limited-password")


def test_a_user_who_may_not_create_gets_the_statement_to_run(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute(MINUTES)
    store = mysql_store(limited(mariadb, database, f"select, insert on {database.name}.t"), "t", tmp_path)
    with pytest.raises(StoreRejected, match="CREATE command denied") as caught:
        store.commit_rows(minutes(ANN), commit(1, window_column="minute"))
    before, _, statement = (caught.value.hint or "").partition(": ")
    assert "SELECT, INSERT, UPDATE and DELETE" in before
    assert statement.startswith(f"CREATE TABLE {database.name}.{RECORDS_TABLE} (") and "ENGINE=InnoDB" in statement
    assert table(store) == set()
    database.execute(statement)
    mariadb.execute(f"grant select, insert, update, delete on {database.name}.{RECORDS_TABLE} to {database.user}_l@'%'")
    store.close()
    with pytest.raises(StoreRejected, match="DELETE command denied") as caught:
        store.commit_rows(minutes(ANN), commit(1, window_column="minute"))
    assert "DELETE where rows are replaced" in (caught.value.hint or "")
    assert store.commit_rows(minutes(ANN), commit(1)).applied
    assert table(store) == stored(ANN)


def test_a_table_of_that_name_that_is_another(make: Make) -> None:
    store = make(MINUTES, f"create table {RECORDS_TABLE} (mine int)")
    with pytest.raises(StoreRejected, match=f"the table {RECORDS_TABLE}, which keeps .*, cannot be used: .*column") as caught:
        store.commit_rows(minutes(ANN), commit(1))
    assert "CREATE TABLE" in (caught.value.hint or "")
    assert table(store) == set()


def test_what_has_no_transactions_is_refused(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table plain (n int) engine=MyISAM", "create table t (n int)", "create view v as select * from t")
    made = [pa.record_batch({"n": pa.array([1], pa.int64())})]
    with pytest.raises(StoreRejected, match="'plain': its engine MyISAM has no transactions") as caught:
        mysql_store(database, "plain", tmp_path).commit_rows(made, commit(1))
    assert "engine=InnoDB" in (caught.value.hint or "")
    with pytest.raises(StoreRejected, match="'v' is a view"):
        mysql_store(database, "v", tmp_path).commit_rows(made, commit(1))
    store = mysql_store(database, "t", tmp_path)
    store.commit_rows(made, commit(1))
    database.execute(f"alter table {RECORDS_TABLE} engine=Aria")
    with pytest.raises(StoreRejected, match=f"'{RECORDS_TABLE}': its engine Aria"):
        store.commit_rows(made, commit(2, "two"))
    assert len(table(store)) == 1


def test_a_sqlite_file_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = sqlite_store(tmp_path / "t.db", "t", "create table t (n int, text text)")
    store.commit_rows([], commit(1))
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection:
        pages = connection.execute("pragma page_count").fetchone()[0]

    begin = SqliteDialect.begin_commit
    made = [pa.record_batch({"n": pa.array(range(5_000)), "text": pa.array(["x" * 100] * 5_000)})]

    def small(dialect: SqliteDialect, connection: Any) -> None:
        connection.exec_driver_sql(f"pragma max_page_count = {pages + 2}")
        begin(dialect, connection)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteDialect, "begin_commit", small)
        with pytest.raises(StoreUnavailable, match="disk is full") as caught:
            store.commit_rows(made, commit(2, "two"))
        assert "nothing was written" in (caught.value.hint or "")
    assert store.commit_rows(made, commit(2, "two")) == TableCommitted(5_000, True, 2)
    assert len(rows(store.read(["n"]))) == 5_000
