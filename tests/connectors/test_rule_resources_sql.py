"""Tables of real databases for rules: loaded once, refreshed while events pass, never half, never with a secret."""

from __future__ import annotations

import gc
import importlib.util
import logging
import math
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import ROOT
from tests.mariadb import Database, MariadbServer
from transforms.connectors.rule_resources import ConnectedResources, ResourceSettings
from transforms.connectors.rule_resources_sql import SqlTable
from transforms.core.errors import LogsluiceError, NotFound, ParameterInvalid, StoreRejected, StoreUnavailable
from transforms.rules.context import Context
from transforms.rules.functions.resources.res_rds_mysql import res_rds_mysql
from transforms.rules.rule import compile_rule
from transforms.stores.rule_resources import SqlRequest, TableData

PEOPLE = (
    "create table people (id int primary key, name varchar(40), balance decimal(8,2), born date, seen datetime(3), ok bit(1), raw blob)",
    "insert into people values (1, 'Ann 日', 0.50, '2000-02-03', '2026-11-22 10:00:00.120', b'1', x'ff41'), "
    "(2, '100%', -3, null, '2026-11-22 10:00:01', b'0', 'plain'), (3, '', null, null, null, null, null)",
)


def rows(data: TableData) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = data.table.to_pylist()
    return found


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def database(mariadb: MariadbServer) -> Database:
    return mariadb.database()


@pytest.fixture
def resources() -> Iterator[ConnectedResources]:
    made = ConnectedResources(ResourceSettings(patience=0.5))
    yield made
    made.close()


def request(at: Database, /, **more: Any) -> SqlRequest:
    given: dict[str, Any] = {
        "address": f"{at.host}:{at.port}",
        "username": at.user,
        "password": at.password,
        "database": at.name,
        "table": "people",
        **more,
    }
    return SqlRequest(**given)


def test_cells_are_text_as_the_database_prints_them(database: Database, resources: ConnectedResources) -> None:
    database.execute(*PEOPLE)
    data = resources.sql_table(request(database))
    assert rows(data) == [
        {
            "id": "1", "name": "Ann 日", "balance": "0.50", "born": "2000-02-03", "seen": "2026-11-22 10:00:00.120", "ok": "1",
            "raw": "\ufffdA",
        },
        {
            "id": "2", "name": "100%", "balance": "-3.00", "born": None, "seen": "2026-11-22 10:00:01.000", "ok": "0", "raw": "plain",
        },
        {"id": "3", "name": "", "balance": None, "born": None, "seen": None, "ok": None, "raw": None},
    ]  # fmt: skip
    assert resources.sql_table(request(database)) is data, "it is loaded once"
    connections = "select count(*) from information_schema.processlist where db = database() and id <> connection_id()"
    until(lambda: database.execute(connections) == ((0,),))


def test_fields_are_chosen_and_renamed_and_a_select_goes_as_it_is(database: Database, resources: ConnectedResources) -> None:
    database.execute(*PEOPLE)
    chosen = resources.sql_table(request(database, fields=(("NAME", "who"), ("id", "key"))))
    assert chosen.table.column_names == ["who", "key"]
    sql = "select name, upper(name) as `a b` from people where name like '%0\\%' order by id desc ; "
    assert rows(resources.sql_table(request(database, table=None, sql=sql))) == [{"name": "100%", "a b": "100%"}]
    none = resources.sql_table(request(database, sql="select id, name from people where id > 9"))
    assert none.table.column_names == ["id", "name"] and none.table.num_rows == 0


@pytest.mark.parametrize(
    ("change", "kind", "part"),
    [
        ({"password": "wrong-password"}, StoreRejected, "Access denied"),
        ({"table": "peopel"}, StoreRejected, "no table 'peopel'"),
        ({"database": "nowhere_at_all"}, StoreRejected, "nowhere_at_all"),
        ({"fields": (("nam", "nam"),)}, StoreRejected, "no column 'nam'"),
        ({"sql": "select id, name from"}, StoreRejected, "syntax"),
        ({"sql": "select id, id from people"}, StoreRejected, "two columns are called 'id'"),
        ({"primary_keys": ("key",)}, StoreRejected, "primary key 'key'"),
        ({"primary_keys": ("id",), "update_time_key": "changed"}, StoreRejected, "no column 'changed'"),
        ({"address": "not an address"}, ParameterInvalid, "HOST:PORT"),
        ({"address": "127.0.0.1:99999"}, ParameterInvalid, "HOST:PORT"),
        ({"password": "env:NOT_SET_ANYWHERE"}, ParameterInvalid, "NOT_SET_ANYWHERE"),
    ],
)
def test_what_cannot_get_better_is_an_error_at_once(
    database: Database, change: dict[str, Any], kind: type[LogsluiceError], part: str
) -> None:
    database.execute(*PEOPLE)
    patient = ConnectedResources(ResourceSettings(patience=math.inf))
    started = time.monotonic()
    with pytest.raises(kind, match=part) as found:
        patient.sql_table(request(database, **change))
    assert time.monotonic() - started < 5
    assert "wrong-password" not in str(found.value) and database.password not in str(found.value)
    with pytest.raises(kind):  # asked for again at once, the database is left in peace
        patient.sql_table(request(database, **change))


def test_a_select_cannot_write(database: Database, resources: ConnectedResources) -> None:
    database.execute(
        *PEOPLE, "create function worse() returns int modifies sql data begin delete from people; return 1; end"
    )  # fmt: skip
    with pytest.raises(StoreRejected, match=r"(?i)read.only"):
        resources.sql_table(request(database, sql="select worse()"))
    assert database.execute("select count(*) from people") == ((3,),)


def test_a_silent_server_is_waited_for_a_while(database: Database, resources: ConnectedResources, caplog: pytest.LogCaptureFixture) -> None:
    asked = request(database, address="127.0.0.1:1", base_retry_back_off=0.1)
    with caplog.at_level(logging.WARNING), pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1"):
        resources.sql_table(asked)
    assert "trying again" in caplog.text and database.password not in caplog.text


def test_a_job_waits_until_the_server_is_there(mariadb: MariadbServer, database: Database) -> None:
    database.execute(*PEOPLE)
    patient = ConnectedResources(ResourceSettings(patience=math.inf))
    found: list[TableData] = []
    mariadb.stop()
    try:
        thread = threading.Thread(target=lambda: found.append(patient.sql_table(request(database, base_retry_back_off=0.1))), daemon=True)
        thread.start()
        time.sleep(0.5)
        assert not found
    finally:
        mariadb.start()
    thread.join(30)
    assert found[0].table.num_rows == 3


def test_a_server_that_dies_while_rows_come_is_asked_again(
    mariadb: MariadbServer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute("create table people (id int)", "insert into people select seq from seq_1_to_2500")
    patient = ConnectedResources(ResourceSettings(patience=math.inf))
    found: list[TableData] = []
    slow = request(database, table=None, sql="select id, sleep(0.001) as slept from people", base_retry_back_off=0.1)
    thread = threading.Thread(target=_collect, args=(patient, slow, found), daemon=True)
    thread.start()
    reading = f"select 1 from information_schema.processlist where db = '{database.name}' and info like 'select id, sleep%'"
    until(lambda: bool(mariadb.execute(reading)))
    mariadb.kill()
    mariadb.start()
    thread.join(60)
    assert [data.table.num_rows for data in found] == [2_500]
    assert "trying again" in caplog.text


def test_passwords_come_from_references_and_show_nowhere(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, resources: ConnectedResources
) -> None:
    database.execute(*PEOPLE)
    monkeypatch.setenv("RULE_DB_PASSWORD", database.password)
    (tmp_path / "password").write_text(database.password + "\n")
    for reference in ("env:RULE_DB_PASSWORD", f"file:{tmp_path / 'password'}"):
        asked = request(database, password=reference)
        assert resources.sql_table(asked).table.num_rows == 3
        assert database.password not in repr(asked)
    settings = ResourceSettings(parameters=(("password", "env:RULE_DB_PASSWORD"), ("user", "ann")))
    made = settings()
    assert made.parameter("password") == database.password and made.parameter("none") is None
    assert made.sql_table(request(database, password=made.parameter("password"))).table.num_rows == 3
    again = pickle.loads(pickle.dumps((settings, made)))
    assert again[0] == settings and again[0]().parameter("user") == "ann"
    for shown in (repr(settings), repr(made), pickle.dumps((settings, made)).decode("latin-1")):
        assert database.password not in shown


def test_tls_is_used_or_refused(mariadb: MariadbServer, database: Database, resources: ConnectedResources) -> None:
    database.execute(*PEOPLE)
    status = "select variable_value as cipher from information_schema.session_status where variable_name = 'Ssl_cipher'"
    offered = dict(mariadb.execute("show variables like 'have_ssl'")).get("have_ssl") == "YES"
    asked = request(database, table=None, sql=status, use_ssl=True)
    if offered:
        assert rows(resources.sql_table(asked))[0]["cipher"]
    else:
        with pytest.raises(LogsluiceError, match="SSL"):
            resources.sql_table(asked)


def test_a_full_reload_while_it_is_used_and_while_the_server_is_away(
    mariadb: MariadbServer, database: Database, resources: ConnectedResources, caplog: pytest.LogCaptureFixture
) -> None:
    database.execute(*PEOPLE)
    asked = request(
        database, fields=(("id", "id"), ("name", "name")), refresh_interval=0.1, base_retry_back_off=0.1, max_retry_back_off=0.2
    )
    first = resources.sql_table(asked)
    time.sleep(0.4)
    assert resources.sql_table(asked) is first, "nothing has changed"
    database.execute("update people set name = 'Eve' where id = 3", "delete from people where id = 2")
    until(lambda: resources.sql_table(asked).version == 1)
    second = resources.sql_table(asked)
    assert rows(second) == [{"id": "1", "name": "Ann 日"}, {"id": "3", "name": "Eve"}]
    assert rows(first)[1]["name"] == "100%", "who holds the older one keeps it whole"
    with caplog.at_level(logging.WARNING):
        mariadb.stop()
        try:
            until(lambda: "cannot be refreshed" in caplog.text)
            assert resources.sql_table(asked) is second
        finally:
            mariadb.start()
    database.execute("insert into people (id, name) values (4, 'Fay')")
    until(lambda: resources.sql_table(asked).version == 2)
    assert rows(resources.sql_table(asked))[-1] == {"id": "4", "name": "Fay"}
    assert database.password not in caplog.text


@pytest.mark.parametrize("key", ["datetime(3)", "datetime", "bigint unsigned", "decimal(20,6)", "double", "float", "timestamp(6)"])
def test_an_incremental_refresh_loads_only_what_has_changed(database: Database, resources: ConnectedResources, key: str) -> None:
    timely = "time" in key
    moments = [f"'2026-11-22 10:00:0{n}'" for n in range(9)] if timely else [str(20_000_000 + n) for n in range(0, 18, 2)]
    database.execute(
        f"create table people (id int primary key, name varchar(10), changed {key}, gone varchar(5), index (changed))",
        *(f"insert into people values ({n}, 'n{n}', {moments[n]}, null)" for n in range(4)),
    )
    asked = request(
        database,
        fields=(("id", "key"), ("name", "name"), ("gone", "gone")),
        primary_keys=("key",),
        update_time_key="changed",
        deleted_flag_key="gone",
        refresh_interval=0.1,
    )
    first = resources.sql_table(asked)
    assert first.table.column_names == ["key", "name", "gone"] and first.table.num_rows == 4
    time.sleep(0.3)
    if key != "float":
        assert resources.sql_table(asked) is first
    # The same moment as the newest one there was, a later one, and one that lies behind: the last is not seen.
    database.execute(
        f"insert into people values (8, 'late', {moments[3]}, null)",
        f"update people set name = 'new', changed = {moments[5]} where id = 1",
        f"update people set gone = 'true', changed = {moments[5]} where id = 2",
        "update people set name = 'unseen' where id = 0",
    )
    until(lambda: any(row["gone"] for row in rows(resources.sql_table(asked))) and _has(resources.sql_table(asked), "late"))
    latest = {row["key"]: row["name"] for row in rows(resources.sql_table(asked))}
    if key == "float":  # printed with six digits: the refresh begins a little earlier
        assert latest.pop("0") in ("n0", "unseen")
        latest["0"] = "n0"
    assert latest == {"0": "n0", "1": "new", "2": "n2", "3": "n3", "8": "late"}
    version = resources.sql_table(asked).version
    database.execute(f"insert into people values (9, 'last', {moments[5]}, null)")
    until(lambda: _has(resources.sql_table(asked), "last"))
    assert resources.sql_table(asked).version > version


def _has(data: TableData, name: str) -> bool:
    return any(row["name"] == name for row in rows(data))


def test_changes_to_and_fro_within_one_moment_are_seen(database: Database, resources: ConnectedResources) -> None:
    database.execute(
        "create table people (id int primary key, name varchar(10), v int)", "insert into people values (1, 'A', 7), (2, 'x', 7)"
    )
    asked = request(database, primary_keys=("id",), update_time_key="v", refresh_interval=0.05)

    def name() -> str | None:
        return [row["name"] for row in rows(resources.sql_table(asked)) if row["id"] == "1"][-1]

    assert name() == "A"
    for wanted in ("B", "A", "C", "B", "A"):
        database.execute(f"update people set name = '{wanted}' where id = 1")
        until(lambda wanted=wanted: name() == wanted)  # type: ignore[misc]


def test_rows_of_a_refresh_that_fails_come_with_the_next_one(database: Database) -> None:
    """What failed is what a rule makes of the rows: those must not count as seen."""
    database.execute("create table people (id int primary key, name varchar(10), v int)", "insert into people values (1, 'A', 1)")
    source = SqlTable(request(database, primary_keys=("id",), update_time_key="v"))
    old = source.load()
    database.execute("insert into people select seq, 'new', 2 from seq_2_to_30000")

    def broken(data: TableData, older: Any) -> Any:
        if older is None:
            return data
        raise MemoryError

    old.made("what a rule makes", broken)
    with pytest.raises(MemoryError):
        source.refresh(old)
    fresh = TableData(old.table, old.version)
    assert source.refresh(fresh).table.num_rows == 30_000
    source.close()


def test_an_incremental_select(database: Database, resources: ConnectedResources) -> None:
    database.execute("create table people (id int primary key, name varchar(20), v int)", "insert into people values (1, 'a%', 1)")
    sql = "select id, name, v from people where name like '%\\%' -- all of them"
    asked = request(database, table=None, sql=sql, primary_keys=("id",), update_time_key="V", refresh_interval=0.1)
    assert rows(resources.sql_table(asked)) == [{"id": "1", "name": "a%", "v": "1"}]
    database.execute("insert into people values (2, 'b%', 2), (3, 'c', 3)")
    until(lambda: resources.sql_table(asked).table.num_rows == 2)
    assert resources.sql_table(asked).version == 1


def test_many_rows_of_one_moment_and_many_updates_do_not_pile_up(
    database: Database, resources: ConnectedResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transforms.connectors import rule_resources_sql

    monkeypatch.setattr(rule_resources_sql, "_MOST_AT_EDGE", 5)
    monkeypatch.setattr(rule_resources_sql, "_MOST_STALE", 30)
    database.execute("create table people (id int primary key, name varchar(20), v int)")
    database.execute(*(f"insert into people values ({n}, 'n', 1)" for n in range(10)))
    asked = request(database, primary_keys=("id",), update_time_key="v", refresh_interval=0.05)
    assert resources.sql_table(asked).table.num_rows == 10
    for version in range(2, 8):
        database.execute(f"update people set v = {version}, name = 'v{version}'")
        until(lambda wanted=f"v{version}": _has(resources.sql_table(asked), wanted))  # type: ignore[misc]
        data = resources.sql_table(asked)
        assert data.table.num_rows <= 50
        latest = {row["id"]: row["name"] for row in rows(data)}
        assert set(latest.values()) == {f"v{version}"} and len(latest) == 10


def test_rows_of_a_mebibyte_come_in_small_pieces(database: Database, resources: ConnectedResources) -> None:
    database.execute("create table people (id int primary key, body longtext)")
    database.execute(*(f"insert into people values ({n}, repeat('x', 1048576))" for n in range(40)))
    data = resources.sql_table(request(database))
    assert [len(text) for text in data.table["body"].to_pylist()] == [1_048_576] * 40


def test_one_load_is_shared_by_threads_and_the_thread_ends_with_its_owner(database: Database) -> None:
    database.execute(*PEOPLE)
    made = ConnectedResources(ResourceSettings())
    asked = request(database, refresh_interval=0.1)
    found: list[TableData] = []
    threads = [threading.Thread(target=_collect, args=(made, asked, found)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 8 and len({id(data) for data in found}) == 1
    assert any("refresh of people" in thread.name for thread in threading.enumerate())
    del made, threads, thread
    gc.collect()
    until(lambda: not any(database.name in thread.name for thread in threading.enumerate()))


def _collect(resources: ConnectedResources, asked: SqlRequest, found: list[TableData]) -> None:
    found.append(resources.sql_table(asked))


def test_sqlite_by_a_path_beside_the_files(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "people.db")) as connection:
        connection.executescript(
            "create table people (id integer primary key, name text, score real, v integer); insert into people values (1, 'Ann', 1.5, 1);"
        )
        made = ConnectedResources(ResourceSettings(files=str(tmp_path)))
        asked = SqlRequest("sqlite:people.db", "", "", "", table="people", primary_keys=("id",), update_time_key="v", refresh_interval=0.05)
        assert rows(made.sql_table(asked)) == [{"id": "1", "name": "Ann", "score": "1.5", "v": "1"}]
        connection.execute("insert into people values (2, null, 2, 2)")
        connection.commit()
        until(lambda: made.sql_table(asked).table.num_rows == 2)
        assert rows(made.sql_table(asked))[1] == {"id": "2", "name": None, "score": "2.0", "v": "2"}
        for sql in ("delete from people", "with x as (select 9) insert into people (id) select * from x", "select 1; select 2"):
            with pytest.raises(StoreRejected):
                made.sql_table(SqlRequest("sqlite:people.db", "", "", "", sql=sql))
        assert connection.execute("select count(*) from people").fetchone() == (2,)
    with pytest.raises(NotFound, match="there is no SQLite file"):
        made.sql_table(SqlRequest("sqlite:none.db", "", "", "", table="people"))
    made.close()


def test_a_process_ends_while_its_tables_are_refreshed(database: Database) -> None:
    """The thread is in the middle of reading when the interpreter ends."""
    database.execute("create table people (id int, name varchar(9))", "insert into people select seq, 'x' from seq_1_to_200000")
    program = (
        "import sys, time\n"
        "from transforms.connectors.rule_resources import ResourceSettings\n"
        "from transforms.stores.rule_resources import SqlRequest\n"
        "made = ResourceSettings()()\n"
        "request = SqlRequest(sys.argv[1], sys.argv[2], 'env:RULE_DB_PASSWORD', sys.argv[2], table='people', refresh_interval=0.05)\n"
        "sys.stdout.write(str(made.sql_table(request).table.num_rows))\n"
        "time.sleep(0.3)\n"
    )
    command = [sys.executable, "-c", program, f"{database.host}:{database.port}", database.name]
    environment = {**os.environ, "RULE_DB_PASSWORD": database.password}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "200000", "")


def test_without_a_driver_the_error_says_what_to_install(database: Database, resources: ConnectedResources) -> None:
    if importlib.util.find_spec("psycopg") is not None:
        pytest.skip("the driver is installed")
    with pytest.raises(ParameterInvalid, match="psycopg is not installed"):
        resources.sql_table(request(database, connector="pgsql"))


def test_a_rule_sees_the_newer_table(database: Database) -> None:
    database.execute("create table people (id int primary key, name varchar(20), v int)", "insert into people values (1, 'Ann', 1)")
    rule = compile_rule(
        'e_table_map(res_rds_mysql(res_local("address"), res_local("user"), res_local("password", type="raw"), res_local("database"), '
        '"people", primary_keys="id", update_time_key="v", refresh_interval="0.1"), "id", "name")'
    )
    made = ResourceSettings(
        parameters=(
            ("address", f"{database.host}:{database.port}"), ("user", database.user), ("password", database.password),
            ("database", database.name),
        )
    )()  # fmt: skip
    context = Context(made)

    def name() -> str | None:
        from transforms.rules.preview import preview

        found = preview(rule, [{"id": "1"}], context)
        return found.logs[0].outputs[0][1].get("name")

    assert name() == "Ann"
    database.execute("update people set name = 'Anna', v = 2")
    until(lambda: name() == "Anna")
    made.close()


def test_a_newer_table_is_ready_before_the_flow_sees_it(database: Database, resources: ConnectedResources) -> None:
    import polars as pl

    database.execute("create table people (id int primary key, name varchar(20), v int)", "insert into people values (1, 'Ann', 1)")
    asked = request(database, primary_keys=("id",), update_time_key="v", refresh_interval=0.1)
    arguments: dict[str, Any] = {name: value for name, value in asked.__dict__.items() if value is not None}
    context = Context(resources)
    older = res_rds_mysql(context, **arguments)
    older.find(["id"], [pl.Series(["1"])])
    database.execute("insert into people values (2, 'Bob', 2)")
    until(lambda: resources.sql_table(asked).version == 1)
    ready = [thing for _, thing in resources.sql_table(asked)._made.values()]
    newer = res_rds_mysql(context, **arguments)
    assert [newer] == ready and newer is not older
    assert list(newer._lookups) == [("id",)]
    assert newer.find(["id"], [pl.Series(["2", "3"])]).to_list() == [1, None]


@pytest.mark.parametrize("count", [50_000, pytest.param(2_000_000, marks=pytest.mark.soak)])
def test_a_large_table_with_updates_while_it_is_used(database: Database, count: int) -> None:
    """Seconds and memory of the long run are what the documentation says of large tables."""
    database.execute("create table people (id int primary key, name varchar(40), city varchar(20), v int not null, gone int, index (v))")
    fill = "insert into people select seq, concat('name of ', seq), concat('city ', seq % 1000), seq, 0 from seq_1_to_{}"
    database.execute(fill.format(count))
    made = ConnectedResources(ResourceSettings())
    asked = request(
        database, primary_keys=("id",), update_time_key="v", refresh_interval=0.2, deleted_flag_key="gone",
        fields=(("id", "id"), ("name", "name"), ("city", "city"), ("gone", "gone")),
    )  # fmt: skip
    process = psutil.Process()
    made.sql_table(SqlRequest(**{**asked.__dict__, "sql": "select 1 as id, 1 as v"}))  # libraries are loaded
    gc.collect()
    before, started = process.memory_info().rss, time.process_time()
    peak = _Peak(process)
    data = made.sql_table(asked)
    spent, most = time.process_time() - started, peak.stop() - before
    assert data.table.num_rows == count
    logging.getLogger(__name__).warning(
        "%d rows: %.1f s of processor time, %d MB at most, %d MB of data", count, spent, most >> 20, data.table.nbytes >> 20
    )
    assert most < 400 * 2**20
    if os.environ.get("LOGSLUICE_ONLY_LOAD"):
        return
    context = Context(made)
    for step in range(1, 6):
        newest = count + step * 100
        database.execute(
            f"update people set name = 'changed {step}', v = {newest} where id = {step}",
            f"update people set gone = 1, v = {newest} where id = {step + 100}",
            f"insert into people values ({newest}, 'new {step}', 'city', {newest}, 0)",
        )
        until(lambda version=step: _newest(made.sql_table(asked)) == count + version * 100, 60)  # type: ignore[misc]
    arguments: dict[str, Any] = {
        "address": asked.address, "username": asked.username, "password": asked.password, "database": asked.database, "table": "people",
        "fields": asked.fields, "refresh_interval": asked.refresh_interval, "primary_keys": ("id",), "update_time_key": "v",
        "deleted_flag_key": "gone",
    }  # fmt: skip
    table = res_rds_mysql(context, **arguments)
    assert table.rows == count + 5 - 5
    import polars as pl

    found = table.find(["id"], [pl.Series(["1", "5", "6", "101", str(count), str(count + 500)])]).to_list()
    assert [None if row is None else table.cell(row, "name") for row in found] == [
        "changed 1", "changed 5", "name of 6", None, f"name of {count}", "new 5",
    ]  # fmt: skip
    made.close()


def _newest(data: TableData) -> int:
    return max(int(row["id"] or 0) for row in rows(TableData(data.table.slice(data.table.num_rows - 20))))


class _Peak:
    """The most memory that the process has while something runs."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._most: int = process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self._most = max(self._most, self._process.memory_info().rss)

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return self._most
