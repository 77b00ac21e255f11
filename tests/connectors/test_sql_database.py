"""Tables of real databases: streamed reads, pushed conditions, writes that are whole or not at all, refusals a person understands."""

from __future__ import annotations

import datetime as dt
import pickle
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from tests.connectors.sql_stores import mysql_descriptor, mysql_store, rows, sqlite_store
from tests.crash import count_moments, run, run_killed_at
from tests.mariadb import Database, MariadbServer
from transforms.connectors import open_external_store
from transforms.connectors.sql_database import SqlDatabaseStore, open_sql_database
from transforms.core.errors import NotFound, ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.core.secret import Secret
from transforms.stores.external_store import Condition, ExternalStoreDescriptor

USERS = (
    "create table users (uid int not null primary key, nick text, gender tinyint, balance double, city varchar(20))",
    "insert into users values (1, 'Ann', 1, 0.5, 'Oslo'), (2, 'ann', 0, 1.5, null), "
    "(3, 'Bob', null, null, 'oslo'), (4, 'Eve ', 1, -2, 'Rome')",
)
NAMES = ["uid", "nick", "gender", "balance", "city"]


@pytest.fixture(scope="module")
def users_database(mariadb: MariadbServer) -> Database:
    database = mariadb.database()
    database.execute(*USERS)
    return database


@pytest.fixture(params=["mysql", "sqlite"])
def users(request: pytest.FixtureRequest, users_database: Database, tmp_path: Path) -> Iterator[SqlDatabaseStore]:
    if request.param == "mysql":
        store = mysql_store(users_database, "users", tmp_path)
    else:
        store = sqlite_store(tmp_path / "users.db", "users", *USERS)
    yield store
    store.close()


def test_reads_the_asked_columns_in_the_asked_order(users: SqlDatabaseStore) -> None:
    assert [column.name for column in users.columns()] == NAMES
    assert [column.sql_type for column in users.columns()] == ["bigint", "varchar", "bigint", "double", "varchar"]
    assert [column.nullable for column in users.columns()] == [False, True, True, True, True]
    assert rows(users.read(["city", "uid"])) == [("Oslo", 1), (None, 2), ("oslo", 3), ("Rome", 4)]
    assert sum(batch.num_rows for batch in users.read([])) == 4
    assert users.size().bytes is not None


# A condition and the rows the statement's own filter would keep.
CONDITIONS: list[tuple[Condition, set[int]]] = [
    (Condition("uid", "=", (3,)), {3}),
    (Condition("uid", "in", (1, 1, None, 4, 99)), {1, 4}),
    (Condition("uid", "in", ()), set()),
    (Condition("uid", "in", (None,)), set()),
    (Condition("uid", ">", (2,)), {3, 4}),
    (Condition("uid", "<=", (2**80,)), {1, 2, 3, 4}),
    (Condition("uid", "<>", (2,)), {1, 3, 4}),
    (Condition("uid", "<", (1.5,)), {1}),
    (Condition("nick", "=", ("ann",)), {2}),
    (Condition("nick", "=", ("Eve ",)), {4}),
    (Condition("nick", "in", ("Ann", "Bob")), {1, 3}),
    (Condition("nick", "<>", ("ANN",)), {1, 2, 3, 4}),
    (Condition("nick", "<", ("B",)), {1}),
    (Condition("nick", "=", (1,)), set()),
    (Condition("nick", "=", ("'; drop table users; -- %s :x \\",)), set()),
    (Condition("gender", "is null"), {3}),
    (Condition("gender", "is not null"), {1, 2, 4}),
    (Condition("gender", "=", (True,)), {1, 4}),
    (Condition("balance", ">=", (0.5,)), {1, 2}),
    (Condition("balance", "<", (0,)), {4}),
    (Condition("balance", "=", (Decimal("1.5"),)), {2}),
    (Condition("balance", "<", (float("inf"),)), {1, 2, 4}),
    (Condition("city", "is null"), {2}),
]


@pytest.mark.parametrize(("condition", "wanted"), CONDITIONS, ids=[f"{c.column} {c.operator} {c.values!r:.20}" for c, _ in CONDITIONS])
def test_a_condition_lets_more_rows_through_never_fewer_and_none_twice(
    users: SqlDatabaseStore, condition: Condition, wanted: set[int]
) -> None:
    found = [uid for (uid,) in rows(users.read(["uid"], [condition]))]
    assert wanted <= set(found)
    assert len(found) == len(set(found))


def test_conditions_are_really_pushed(users: SqlDatabaseStore) -> None:
    assert rows(
        users.read(["uid"], [Condition("uid", ">=", (2,)), Condition("gender", "is not null"), Condition("nick", "=", ("Eve ",))])
    ) == [(4,)]
    assert rows(users.read([], [Condition("uid", "=", (99,))])) == []


@pytest.mark.parametrize("key", ["uid", "nick"])
def test_long_lists_are_cut_without_doubling_rows(users: SqlDatabaseStore, key: str) -> None:
    filler: list[Any] = list(range(10, 5_000)) if key == "uid" else [f"nobody{i}" for i in range(5_000)]
    wanted: list[Any] = [1, 2, 3] if key == "uid" else ["Ann", "ann", "Bob"]
    values = (wanted[0], *filler[:2500], wanted[1], *filler[2500:], wanted[2], wanted[0])
    conditions = [Condition(key, "in", values), Condition("uid", "<", (3,))]
    assert sorted(rows(users.read(["uid"], conditions))) == [(1,), (2,)]
    assert sum(batch.num_rows for batch in users.read([], conditions)) == 2


def test_an_unknown_column_names_the_nearest(users: SqlDatabaseStore) -> None:
    with pytest.raises(ParameterInvalid, match="'s_users' has no column 'nik'") as caught:
        users.read(["nik"])
    assert caught.value.hint == "did you mean 'nick'?"


def test_names_that_need_quoting(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table `a%b ``c` (`select %s` int, `values (x)` text, `ключ:k` int)")
    quoted = 'create table "a%b `c" ("select %s" int, "values (x)" text, "ключ:k" int)'
    for store in (mysql_store(database, "a%b `c", tmp_path), sqlite_store(tmp_path / "q.db", "a%b `c", quoted)):
        assert store.write([pa.record_batch([pa.array([1, 2]), pa.array(["x%s", "é"]), pa.array([3, 4])], ["a", "b", "c"])]) == 2
        names = [column.name for column in store.columns()]
        assert rows(store.read(names, [Condition("ключ:k", "=", (4,)), Condition("values (x)", "=", ("é",))])) == [(2, "é", 4)]


def test_nothing_to_write_is_no_row(users: SqlDatabaseStore) -> None:
    assert users.write([]) == 0
    assert users.write([pa.record_batch([pa.array([], column.arrow_type) for column in users.columns()], NAMES)]) == 0


def _numbered(*numbers: int) -> Any:
    return pa.record_batch({"id": pa.array(numbers, pa.int64()), "name": pa.array([f"n{number}" for number in numbers])})


@pytest.fixture(params=["mysql", "sqlite"])
def target(request: pytest.FixtureRequest, mariadb: MariadbServer, tmp_path: Path) -> SqlDatabaseStore:
    statement = "create table target (id bigint primary key, name varchar(40))"
    if request.param == "sqlite":
        return sqlite_store(tmp_path / "t.db", "target", statement)
    database = mariadb.database()
    database.execute(statement)
    return mysql_store(database, "target", tmp_path)


def test_a_duplicate_key_half_way_leaves_nothing(target: SqlDatabaseStore) -> None:
    assert target.write([_numbered(7)]) == 1
    with pytest.raises(StoreRejected, match="'s_target'") as caught:
        target.write([_numbered(*range(100, 25_000)), _numbered(7)])
    assert "nothing was written" in (caught.value.hint or "")
    assert rows(target.read(["id"])) == [(7,)]
    assert target.write([_numbered(8)]) == 1


def test_batches_that_fail_or_change_half_way_leave_nothing(target: SqlDatabaseStore) -> None:
    def failing() -> Iterator[Any]:
        yield _numbered(*range(20_000))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        target.write(failing())
    with pytest.raises(ParameterInvalid, match="change their types"):
        target.write([_numbered(1), pa.record_batch({"id": pa.array(["x"]), "name": pa.array(["y"])})])
    assert rows(target.read(["id"])) == []


def test_a_store_travels_without_connection_or_password(users_database: Database, tmp_path: Path) -> None:
    store = mysql_store(users_database, "users", tmp_path)
    assert len(rows(store.read(["uid"]))) == 4
    packed = pickle.dumps(store)
    for text in (
        packed.decode("latin1"),
        repr(store),
        repr(store.descriptor),
        repr(vars(store)),
        repr(store._engine()),
        str(store._engine().url),
    ):
        assert users_database.password not in text
    assert len(rows(pickle.loads(packed).read(["uid"]))) == 4


def test_refusals_name_the_store_and_never_the_password(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table users (id int)")
    good = mysql_descriptor(database, "users", tmp_path)
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-password")
    cases: list[tuple[ExternalStoreDescriptor, str, str]] = [
        (replace(good, password=Secret(f"file:{wrong}")), "Access denied", "username and password"),
        (replace(good, password=Secret()), "Access denied", "username and password"),
        (replace(good, parameter={**good.parameter, "table": "user"}), "no table 'user'", "did you mean 'users'"),
        (replace(good, parameter={**good.parameter, "db": "elsewhere"}), "elsewhere", "db"),
        (replace(good, parameter={**good.parameter, "host": ""}), "has no host", "set the parameter host"),
    ]
    for descriptor, message, hint in cases:
        with pytest.raises((StoreRejected, ParameterInvalid)) as caught:
            list(open_external_store(descriptor).read(["id"]))
        error = caught.value
        assert "s_users" in str(error)
        assert message in str(error)
        assert hint in (error.hint or "")
        told = f"{error!r} {error.hint} {pickle.dumps(error)!r} {error.__cause__!r}"
        assert database.password not in told
        assert "not-the-password" not in told


def test_a_user_who_may_only_read(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table users (id int)", "insert into users values (1)")
    mariadb.execute(
        f"create user {database.user}_r@'%' identified by 'reader-password'", f"grant select on {database.name}.* to {database.user}_r@'%'"
    )
    reader = mysql_store(replace(database, user=f"{database.user}_r", password="reader-password"), "users", tmp_path)
    assert rows(reader.read(["id"])) == [(1,)]
    with pytest.raises(StoreRejected, match="INSERT command denied") as caught:
        reader.write([pa.record_batch({"id": pa.array([2])})])
    assert "INSERT" in (caught.value.hint or "")
    grants = " ".join(reader.check().grants)
    assert "SELECT" in grants
    assert not re.search(r"\*[0-9A-F]{40}", grants)


def test_a_table_without_transactions_is_read_and_not_written(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table plain (id int) engine=MyISAM", "insert into plain values (1)")
    store = mysql_store(database, "plain", tmp_path)
    assert rows(store.read(["id"])) == [(1,)]
    with pytest.raises(StoreRejected, match="MyISAM has no transactions") as caught:
        store.write([pa.record_batch({"id": pa.array([2])})])
    assert "engine=InnoDB" in (caught.value.hint or "")
    assert any("no transactions" in warning for warning in store.check().warnings)


def test_check_tells_about_the_server(users: SqlDatabaseStore) -> None:
    report = users.check()
    assert report.store == "s_users"
    assert re.search(r"MariaDB|SQLite", report.server)
    assert report.grants
    assert "utf" in report.character_set.lower()
    assert [column.name for column in report.columns] == NAMES
    assert report.warnings == ()


def test_check_warns_of_a_large_table(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path / "big.db", "big", "create table big (v blob)", "insert into big values (zeroblob(21 * 1024 * 1024))")
    assert any("21 MB" in warning for warning in store.check().warnings)


def test_a_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    store = open_sql_database(ExternalStoreDescriptor("s", "sqlite", {"db": str(path), "table": "t"}))
    with pytest.raises(NotFound, match="there is no SQLite file"):
        store.columns()
    assert not path.exists()
    path.write_bytes(b"no database, only text, and more than a hundred bytes of it" * 10)
    with pytest.raises(StoreRejected, match="not a database"):
        store.columns()


def test_a_locked_sqlite_file_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.sql_database_sqlite._BUSY_SECONDS", 0.2)
    path = tmp_path / "l.db"
    store = sqlite_store(path, "t", "create table t (id int)")
    with closing(sqlite3.connect(path)) as other:
        other.execute("begin exclusive")
        with pytest.raises(StoreUnavailable, match="locked") as caught:
            store.write([pa.record_batch({"id": pa.array([1])})])
        assert "try again" in (caught.value.hint or "")
    assert store.write([pa.record_batch({"id": pa.array([1])})]) == 1


def test_views_and_keyless_tables_of_sqlite(tmp_path: Path) -> None:
    store = sqlite_store(
        tmp_path / "v.db", "v", "create table t (id integer primary key, name text) without rowid", "insert into t values (1, 'a')",
        "create view v as select id, count(*) as n from t group by id",
    )  # fmt: skip
    assert rows(store.read(["id", "n"])) == [(1, "1")]
    assert store.size().rows is None
    with pytest.raises(StoreRejected, match="view"):
        store.write([pa.record_batch({"id": pa.array([1]), "n": pa.array(["1"])})])


def _memory() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.parametrize("count", [300_000, pytest.param(5_000_000, marks=pytest.mark.soak)])
def test_reading_takes_no_memory_for_the_table(mariadb: MariadbServer, tmp_path: Path, count: int) -> None:
    database = mariadb.database()
    database.execute(
        "create table many (id bigint primary key, name varchar(200), v double)",
        f"insert into many select seq, concat(repeat('x', 100), seq), seq * 0.5 from seq_1_to_{count}",
    )
    store = mysql_store(database, "many", tmp_path)
    next(iter(store.read(["id", "name", "v"])))
    before, most, total, last = _memory(), 0, 0, 0
    for batch in store.read(["id", "name", "v"]):
        total += batch.num_rows
        assert batch.column(0)[0].as_py() == last + 1
        last = batch.column(0)[-1].as_py()
        most = max(most, _memory())
    assert total == count
    assert most - before < 40 * 2**20


def test_a_reader_that_stops_early_costs_nothing(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table many (id bigint primary key)", "insert into many select seq from seq_1_to_100000")
    store = mysql_store(database, "many", tmp_path)
    for _ in range(5):
        reading: Any = store.read(["id"])
        assert next(reading).num_rows == 10_000
        reading.close()
    assert sum(batch.num_rows for batch in store.read(["id"])) == 100_000
    assert len(mariadb.execute(f"select 1 from information_schema.processlist where user = '{database.user}'")) <= 2


WRITER = """
import sys
import time
import pyarrow as pa
from transforms.connectors.sql_database import open_sql_database
from transforms.core.secret import Secret
from transforms.stores.external_store import ExternalStoreDescriptor

store = open_sql_database(ExternalStoreDescriptor("s", {kind!r}, {parameter!r}, Secret({secret!r})))
names = pa.array(["x"] * 10_000)
starts = range(0, 30_000, 10_000)
store.write([pa.record_batch({{"id": pa.array(range(start, start + 10_000)), "name": names}}) for start in starts])
"""


def test_a_writer_killed_around_the_commit_leaves_all_or_nothing(target: SqlDatabaseStore) -> None:
    descriptor = target.descriptor
    program = WRITER.format(kind=descriptor.kind, parameter=dict(descriptor.parameter), secret=descriptor.password.reference)
    target.close()
    run_killed_at(program, 0)
    assert rows(target.read(["id"])) == []
    assert count_moments(program) == ["external-store.commit before", "external-store.commit after"]
    assert sum(batch.num_rows for batch in target.read([])) == 30_000
    with pytest.raises(AssertionError, match=r"StoreRejected.*s_target|for key|UNIQUE"):
        run(program)
    ids = [number for (number,) in rows(target.read(["id"]))]
    assert all(b - a == 1 for a, b in pairwise(sorted(ids)))
    assert len(ids) == 30_000


def test_long_lists_of_days_and_moments_do_not_double_rows(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table d (day datetime)", "insert into d values ('2024-01-01 00:00:00')")
    store = mysql_store(database, "d", tmp_path)
    first = dt.date(2024, 1, 1)
    days: list[Any] = [first + dt.timedelta(days=number) for number in range(1500)]
    values = (*days, dt.datetime(2024, 1, 1))
    assert len(rows(store.read(["day"], [Condition("day", "in", values)]))) == 1
    assert rows(store.read(["day"], [Condition("day", "=", (first,))])) == [(dt.datetime(2024, 1, 1),)]
    assert rows(store.read(["day"], [Condition("day", "<", (first,))])) == []


def test_postgresql_without_its_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    store = open_sql_database(ExternalStoreDescriptor("pg", "postgresql", {"host": "127.0.0.1", "db": "d", "table": "t"}))
    with pytest.raises(ParameterInvalid, match="'pg' is of type postgresql, and psycopg is not installed") as caught:
        store.columns()
    assert "logsluice[postgresql]" in (caught.value.hint or "")


def test_a_server_that_never_answers_is_given_up_once(mariadb: MariadbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.sql_database_mysql._ANSWER_SECONDS", 1)
    database = mariadb.database()
    database.execute("create view slow as select sleep(30) as s")
    store = mysql_store(database, "slow", tmp_path)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match="timed out") as caught:
        list(store.read(["s"]))
    assert time.monotonic() - started < 10
    assert "sent nothing for 1 seconds" in (caught.value.hint or "")


def test_writers_side_by_side_lose_and_double_nothing(target: SqlDatabaseStore) -> None:
    stores = [open_external_store(target.descriptor) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda n: stores[n].write([_numbered(*range(n * 5000, n * 5000 + 5000))]), range(4)))
    assert written == [5000] * 4
    assert sorted(number for (number,) in rows(target.read(["id"]))) == list(range(20_000))


def test_a_new_password_holds_for_the_next_connection(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    database.execute("create table t (id int)")
    store = mysql_store(database, "t", tmp_path)
    assert rows(store.read(["id"])) == []
    mariadb.execute(f"alter user {database.user}@'%' identified by 'the-new-password'")
    (tmp_path / "password").write_text("the-new-password\n")
    store.close()
    assert rows(store.read(["id"])) == []
