"""Writers of an instance's rows that are killed, stopped, cut off or raced: its rows stand once, and nobody wonders whether."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.connectors.sql_stores import mysql_store, rows, sqlite_store
from tests.crash import count_moments, run, run_killed_after, run_killed_at, start
from tests.mariadb import Database, MariadbServer
from transforms.connectors import open_external_store
from transforms.connectors.sql_database import SqlDatabaseStore
from transforms.core.durable import observe
from transforms.core.errors import StoreRejected, StoreUnavailable
from transforms.core.interval import Interval
from transforms.stores.table_commit import TableCommit, TableCommitted

DDL = "create table t (minute bigint not null, n bigint not null, run_id varchar(64), primary key (minute, n))"
WINDOW = Interval(0, 100_000)
MODES: list[dict[str, Any]] = [{}, {"key_columns": ("minute", "n")}, {"window_column": "minute"}, {"instance_column": "run_id"}]
COUNT = 12_000


@pytest.fixture(params=["mysql", "sqlite"])
def store(request: pytest.FixtureRequest, mariadb: MariadbServer, tmp_path: Path) -> SqlDatabaseStore:
    if request.param == "sqlite":
        return sqlite_store(tmp_path / "t.db", "t", DDL)
    database = mariadb.database()
    database.execute(DDL)
    return mysql_store(database, "t", tmp_path)


def made(count: int, *, named: bool = False) -> list[Any]:
    columns = {"minute": pa.array(range(count), pa.int64()), "n": pa.array([count] * count, pa.int64())}
    if not named:
        columns["run_id"] = pa.array([None] * count, pa.string())
    return [pa.record_batch(columns)]


def commit(attempt: int, instance: str = "one", **more: Any) -> TableCommit:
    return TableCommit("job", attempt, instance, 1, WINDOW, **more)


def by_window(attempt: int) -> TableCommit:
    return commit(attempt, window_column="minute")


def program(store: SqlDatabaseStore, attempt: int, count: int, mode: str = "", before: str = "", instance: str = "one") -> str:
    """A process that commits ``count`` rows and prints whether it was applied."""
    descriptor = store.descriptor
    return f"""
import pyarrow as pa
from transforms.connectors import open_external_store
from transforms.core.interval import Interval
from transforms.core.secret import Secret
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.table_commit import TableCommit
store = open_external_store(ExternalStoreDescriptor("s_t", {descriptor.kind!r}, {dict(descriptor.parameter)!r},
                                                    Secret({descriptor.password.reference!r})))
columns = {{"minute": pa.array(range({count})), "n": pa.array([{count}] * {count})}}
if not {"instance" in mode}:
    columns["run_id"] = pa.array([None] * {count}, pa.string())
batches = [pa.record_batch(columns)]
{before}
done = store.commit_rows(batches, TableCommit("job", {attempt}, {instance!r}, 1, Interval(0, 100000), {mode and mode + ","}))
print(done.rows, done.applied, done.attempt)
"""


def counts(store: SqlDatabaseStore) -> dict[int, int]:
    """For each commit of `made(count)`, which writes its count into each row, how many of its rows there are."""
    found: dict[int, int] = {}
    for (n,) in rows(store.read(["n"])):
        found[n] = found.get(n, 0) + 1
    return found


def settled(store: SqlDatabaseStore) -> dict[int, int]:
    """The same, once the server has noticed that a killed client is gone."""
    if store.descriptor.kind != "sqlite":
        time.sleep(0.2)
    return counts(store)


def test_killed_at_every_durable_moment_of_the_first_commit(store: SqlDatabaseStore) -> None:
    first = program(store, 1, COUNT)
    for what, kept in (("create-records", False), ("create-fence", False), ("commit", True)):
        # What an earlier kill left done is not done again: its moments do not come back.
        run_killed_at(first, 0)
        assert settled(store) == {}, what
        run_killed_at(first, 1)
        assert settled(store) == ({COUNT: COUNT} if kept else {}), what
    assert run(first).split() == [str(COUNT), "False", "1"]
    assert count_moments(program(store, 2, COUNT)) == ["external-store.commit before", "external-store.commit after"]
    assert counts(store) == {COUNT: COUNT}


@pytest.mark.parametrize("mode", MODES)
def test_killed_around_the_commit_of_a_re_run(store: SqlDatabaseStore, mode: dict[str, Any]) -> None:
    """The first attempt had died after its commit; the next one has other rows."""
    named = "instance_column" in mode
    assert store.commit_rows(made(COUNT, named=named), commit(1, **mode)).applied
    store.close()
    stale = {COUNT: COUNT} if "key_columns" in mode else {}
    again = program(store, 2, COUNT - 1, ", ".join(f"{name}={value!r}" for name, value in mode.items()))
    run_killed_at(again, 0)
    assert settled(store) == {COUNT: COUNT}
    run_killed_at(again, 1)
    expected = {COUNT - 1: COUNT - 1, **stale} if mode else {COUNT: COUNT}
    assert settled(store) == expected
    for attempt in (2, 3):
        done = store.commit_rows(made(COUNT - 1, named=named), commit(attempt, **mode))
        assert done == (TableCommitted(COUNT - 1, attempt == 3, attempt) if mode else TableCommitted(COUNT, False, 1))
        assert counts(store) == expected


def test_a_stopped_worker_that_wakes_after_its_successor_changes_nothing(store: SqlDatabaseStore, tmp_path: Path) -> None:
    """It had computed its rows, not begun to write."""
    ready = tmp_path / "ready"
    zombie = start(program(store, 1, 100, "window_column='minute'", f"open({str(ready)!r}, 'w').close(); __import__('time').sleep(1)"))
    _wait_for(ready.exists)
    os.kill(zombie.pid, signal.SIGSTOP)
    assert store.commit_rows(made(50), by_window(2)) == TableCommitted(50, True, 2)
    os.kill(zombie.pid, signal.SIGCONT)
    _, told = zombie.communicate(timeout=60)
    assert zombie.returncode == 1 and "attempt 1 of the job 'job' was overtaken" in told
    assert counts(store) == {50: 50}


def test_a_worker_stopped_inside_its_transaction_is_given_up_by_the_server(
    mariadb: MariadbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = mariadb.database()
    database.execute(DDL)
    store = mysql_store(database, "t", tmp_path)
    store.commit_rows(made(10), by_window(1))
    ready = tmp_path / "ready"
    pause = f"""
from transforms.connectors import sql_database_mysql
from transforms.core.durable import observe
import time
sql_database_mysql._IDLE_SECONDS = 1
def wait(operation, moment):
    if (operation, moment) == ("external-store.commit", "before"):
        open({str(ready)!r}, "w").close()
        time.sleep(0.5)
observe(wait)
"""
    zombie = start(program(store, 2, 100, "window_column='minute'", pause))
    _wait_for(ready.exists)
    os.kill(zombie.pid, signal.SIGSTOP)
    # The successor waits for the job's row until the server has cut the stopped one off.
    assert store.commit_rows(made(50), by_window(3)) == TableCommitted(50, True, 3)
    os.kill(zombie.pid, signal.SIGCONT)
    _, told = zombie.communicate(timeout=60)
    assert zombie.returncode == 1 and "was overtaken: attempt 3 has committed" in told
    assert counts(store) == {50: 50}


def test_a_connection_is_as_patient_as_before(database: Database, tmp_path: Path) -> None:
    store = mysql_store(database, "t", tmp_path)

    def patience() -> tuple[Any, ...]:
        with store._connected("asking") as connection:
            return tuple(connection.exec_driver_sql("select connection_id(), @@wait_timeout, @@innodb_lock_wait_timeout").one())

    before = patience()
    assert int(before[1]) > 60
    store.commit_rows(made(1), by_window(1))
    assert patience() == before


def test_a_lock_that_is_held_too_long_is_said_to_be(mariadb: MariadbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.sql_database_mysql._LOCK_SECONDS", 1)
    database = mariadb.database()
    database.execute(DDL)
    store = mysql_store(database, "t", tmp_path)
    store.commit_rows(made(10), by_window(1))
    with contextlib.closing(database.connect()) as other, other.cursor() as cursor:
        cursor.execute("select * from logsluice_instance for update")
        with pytest.raises(StoreUnavailable, match="Lock wait timeout") as caught:
            store.commit_rows(made(20), by_window(2))
        assert "another transaction holds the table" in (caught.value.hint or "")
    assert store.commit_rows(made(20), by_window(2)).applied
    assert counts(store) == {20: 20}


def _wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.fixture
def database(mariadb: MariadbServer) -> Database:
    found = mariadb.database()
    found.execute(DDL)
    return found


@contextlib.contextmanager
def at(operation: str, moment: str, act: Callable[[], None]) -> Iterator[list[str]]:
    """``act`` happens once, at a durable moment."""
    seen: list[str] = []

    def observer(told: str, when: str) -> None:
        seen.append(f"{told} {when}")
        if (told, when) == (operation, moment) and seen.count(seen[-1]) == 1:
            act()

    observe(observer)
    try:
        yield seen
    finally:
        observe(None)


def cut(mariadb: MariadbServer, database: Database) -> None:
    for (number,) in mariadb.execute(f"select id from information_schema.processlist where user = '{database.user}'"):
        mariadb.execute(f"kill {number}")


@pytest.mark.parametrize("operation", ["create-records", "create-fence", "commit"])
def test_a_connection_that_is_cut_is_made_anew(mariadb: MariadbServer, database: Database, tmp_path: Path, operation: str) -> None:
    store = mysql_store(database, "t", tmp_path)
    with at(f"external-store.{operation}", "before", lambda: cut(mariadb, database)) as seen:
        assert store.commit_rows(made(COUNT), by_window(1)) == TableCommitted(COUNT, True, 1)
    assert seen.count(f"external-store.{operation} before") == 2
    assert counts(store) == {COUNT: COUNT}


def test_a_server_that_restarts_at_the_commit(mariadb: MariadbServer, database: Database, tmp_path: Path) -> None:
    store = mysql_store(database, "t", tmp_path)
    store.commit_rows(made(100), by_window(1))

    def restart() -> None:
        mariadb.kill()
        mariadb.start()

    with at("external-store.commit", "before", restart):
        assert store.commit_rows(made(COUNT), by_window(2)) == TableCommitted(COUNT, True, 2)
    assert counts(store) == {COUNT: COUNT}


@pytest.mark.parametrize("mode", [{}, {"window_column": "minute"}], ids=["none", "window"])
def test_a_connection_lost_after_the_server_committed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: dict[str, str]
) -> None:
    """The answer to COMMIT never comes: the record tells that the rows are there."""
    import pymysql

    store = mysql_store(database, "t", tmp_path)
    answered = pymysql.connections.Connection.commit
    lost: list[int] = []

    def lose(connection: Any) -> None:
        writing = bool(connection.server_status & 1)  # in a transaction
        answered(connection)
        if writing and store_is_committing and not lost:
            lost.append(1)
            connection._force_close()
            raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    store_is_committing = False

    def now() -> None:
        nonlocal store_is_committing
        store_is_committing = True

    monkeypatch.setattr(pymysql.connections.Connection, "commit", lose)
    with at("external-store.commit", "before", now):
        assert store.commit_rows(made(500), commit(1, **mode)) == TableCommitted(500, True, 1)
    assert lost == [1]
    assert counts(store) == {500: 500}


def test_a_server_that_stays_away_while_committing(
    mariadb: MariadbServer, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.connectors.sql_database._PATIENT", (0.01, 0.01))
    store = mysql_store(database, "t", tmp_path)
    try:
        with at("external-store.commit", "before", mariadb.kill), pytest.raises(StoreUnavailable, match="lost while committing") as caught:
            store.commit_rows(made(500), by_window(1))
        assert "the same attempt" in (caught.value.hint or "")
        assert database.password not in f"{caught.value!r} {caught.value.hint}"
    finally:
        mariadb.start()
    assert store.commit_rows(made(500), by_window(1)).rows == 500
    assert counts(store) == {500: 500}


def test_a_deadlock_is_started_over(database: Database, tmp_path: Path) -> None:
    """Another transaction holds a row of the window and waits for one that the commit holds: the server undoes one of them."""
    store = mysql_store(database, "t", tmp_path)
    store.commit_rows(made(2_000), by_window(1))
    tries: list[int] = []
    with contextlib.closing(database.connect()) as other, other.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        # Much written by the other, so that the commit is the cheaper victim.
        cursor.execute("create temporary table filler (a int)")
        cursor.execute("update t set run_id = 'other' where minute >= 1000")

        class Batches:
            def __iter__(self) -> Iterator[Any]:
                tries.append(1)
                return iter(made(10))

        committing = pool.submit(store.commit_rows, Batches(), by_window(2))
        # It deletes from the window's start and waits at minute 1000.
        time.sleep(0.5)
        assert not committing.done()
        cursor.execute("update t set run_id = 'other' where minute = 1")
        other.commit()
        done = committing.result(timeout=60)
    assert done == TableCommitted(10, True, 2)
    assert counts(store) == {10: 10}
    assert len(tries) >= 2


def test_attempts_that_race_are_serialised(store: SqlDatabaseStore) -> None:
    processes = [start(program(store, attempt, 100 + attempt, "window_column='minute'")) for attempt in (1, 2, 3)]
    ended = [process.communicate(timeout=60)[1] for process in processes]
    assert processes[-1].returncode == 0, ended[-1]
    for process, told in zip(processes, ended, strict=True):
        assert process.returncode == 0 or "was overtaken" in told
    assert counts(store) == {103: 103}


def test_one_attempt_twice_at_once_is_applied_once(store: SqlDatabaseStore) -> None:
    barrier = threading.Barrier(3)

    def work(_number: int) -> bool:
        mine = open_external_store(store.descriptor)
        barrier.wait()
        return mine.commit_rows(made(3_000), commit(1)).applied

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(work, range(3))) == [False, False, True]
    assert counts(store) == {3_000: 3_000}


def test_jobs_side_by_side_do_not_wait_for_each_other_for_ever(store: SqlDatabaseStore) -> None:
    """Empty and neighbouring windows of one table, many threads: what locks collide passes."""
    size = 50

    def work(job: int) -> list[bool]:
        mine = open_external_store(store.descriptor)
        applied = []
        for attempt in range(1, 9):
            begin = (attempt * 4 + job) * size
            column = pa.array(range(begin, begin + size), pa.int64())
            batch = pa.record_batch({"minute": column, "n": column, "run_id": pa.array([None] * size, pa.string())})
            wanted = TableCommit(f"job-{job}", attempt, f"i{attempt}", 1, Interval(begin, begin + size), window_column="minute")
            applied += [mine.commit_rows([batch], wanted).applied for _ in range(2)]
        return applied

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))
    assert found == [[True, False] * 8] * 4
    assert sorted(n for (n,) in rows(store.read(["n"]))) == list(range(4 * size, 36 * size))


def test_a_row_that_the_server_would_not_take_is_refused(database: Database, tmp_path: Path) -> None:
    database.execute("create table large (n int, text longtext)")
    store = mysql_store(database, "large", tmp_path)
    large = [pa.record_batch({"n": pa.array([1, 2]), "text": pa.array(["x", "x" * (17 * 2**20)])})]
    for write in (lambda: store.commit_rows(large, commit(1)), lambda: store.write(large)):
        with pytest.raises(StoreRejected, match=r"a row has 17825792 bytes, the server takes \d+ at once") as caught:
            write()
        assert "max_allowed_packet" in (caught.value.hint or "")
    assert rows(store.read(["n"])) == []
    assert store.commit_rows([], commit(2)).applied


def test_a_table_that_is_full_keeps_what_it_had(mariadb: MariadbServer, database: Database, tmp_path: Path) -> None:
    store = mysql_store(database, "t", tmp_path)
    store.commit_rows(made(10), by_window(1))
    full = "signal sqlstate 'HY000' set mysql_errno = 1114, message_text = 'The table t is full'"
    mariadb.execute(
        f"create trigger {database.name}.full before insert on {database.name}.t for each row if new.minute = 19 then {full}; end if"
    )
    with pytest.raises(StoreUnavailable, match="is full") as caught:
        store.commit_rows(made(20), by_window(2))
    assert "make room" in (caught.value.hint or "")
    assert counts(store) == {10: 10}
    mariadb.execute(f"drop trigger {database.name}.full")
    assert store.commit_rows(made(20), by_window(2)).applied
    assert counts(store) == {20: 20}


def test_threads_that_race_for_the_first_commit_make_one_table(store: SqlDatabaseStore) -> None:
    barrier = threading.Barrier(4)

    def work(job: int) -> bool:
        mine = open_external_store(store.descriptor)
        barrier.wait()
        return mine.commit_rows([], commit(1, f"i{job}")).applied

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4


@pytest.mark.soak
@pytest.mark.parametrize("column", ["window_column='minute'", "instance_column='run_id'"])
def test_killed_at_random_times(store: SqlDatabaseStore, column: str) -> None:
    pick = random.Random(20260722)
    began = time.monotonic()
    run(program(store, 1, COUNT, column))
    whole, stands = time.monotonic() - began, COUNT
    outcomes = set()
    for attempt in range(2, 52):
        count = COUNT + attempt
        run_killed_after(program(store, attempt, count, column), pick.uniform(0.5, 1.1) * whole)
        now = settled(store)
        assert now in ({stands: stands}, {count: count})
        outcomes.add(now == {count: count})
        (stands,) = now
    assert outcomes == {True, False}, "the kills should fall on both sides of the commit"


@pytest.mark.parametrize("times", [3, pytest.param(40, marks=pytest.mark.soak)])
def test_a_server_that_dies_at_random_times(mariadb: MariadbServer, database: Database, tmp_path: Path, times: int) -> None:
    """It is killed while rows are removed, inserted or committed, and starts again at once: nobody needs to try again."""
    store = mysql_store(database, "t", tmp_path)
    pick = random.Random(20260722)
    began = time.monotonic()
    store.commit_rows(made(COUNT), by_window(1))
    whole = time.monotonic() - began
    with ThreadPoolExecutor(1) as pool:
        for attempt in range(2, 2 + times):
            committing = pool.submit(store.commit_rows, made(COUNT + attempt), by_window(attempt))
            time.sleep(pick.uniform(0, whole))
            mariadb.kill()
            mariadb.start()  # by this thread: a server dies with the one that started it
            assert committing.result(timeout=120) == TableCommitted(COUNT + attempt, True, attempt)
            assert counts(store) == {COUNT + attempt: COUNT + attempt}
