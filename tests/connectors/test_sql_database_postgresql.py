"""A real PostgreSQL, where one is installed together with psycopg: neither is needed by anything else."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.connectors.sql_stores import rows
from transforms.connectors.sql_database import SqlDatabaseStore, open_sql_database
from transforms.core.errors import CommitConflict, StoreRejected, StoreUnavailable
from transforms.core.interval import Interval
from transforms.core.secret import Secret
from transforms.stores.external_store import Condition, ExternalStoreDescriptor
from transforms.stores.table_commit import TableCommit, TableCommitted

pytestmark = pytest.mark.skipif(
    shutil.which("postgres") is None or shutil.which("initdb") is None or importlib.util.find_spec("psycopg") is None,
    reason="PostgreSQL and psycopg are optional",
)
TABLE = """create table t (id bigint primary key, i int, r real, d double precision, n numeric(10,2), nn numeric, v varchar(5), t text,
b boolean, ts timestamp, tz timestamptz, da date, by bytea, u uuid, j jsonb, twice int generated always as (i * 2) stored)"""
ROW = """insert into t values (1, 2, 0.5, 1e300, 1.25, 7, 'ab', '😀', true, 'infinity', '2024-01-01 00:00:00+00', '2024-02-29',
'\\x00ff', '123e4567-e89b-12d3-a456-426655440000', '{"a":1}')"""
REPORTS = (
    "create table r (minute bigint, city text, at timestamptz, run_id varchar(64), n numeric(10,2), unique (minute, city))",
    "create schema other", "create table other.r (like r including all)", "create role reader login password 'admin-password'",
    "grant usage on schema other to reader", "grant select, insert, delete on other.r to reader",
)  # fmt: skip
READ = (
    1, 2, 0.5, 1e300, Decimal("1.25"), 7.0, "ab", "😀", True, None, dt.datetime(2024, 1, 1, 8), dt.date(2024, 2, 29), b"\x00\xff",
    "123e4567-e89b-12d3-a456-426655440000", '{"a": 1}', 4,
)  # fmt: skip


@pytest.fixture(scope="module")
def parameter() -> Iterator[dict[str, str]]:
    import psycopg

    folder = Path(tempfile.mkdtemp(prefix="logsluice-postgresql-"))
    (folder / "password").write_text("admin-password")
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server does not run as root
        nobody = pwd.getpwnam("nobody")
        for path in (folder, folder / "password"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid}
    subprocess.run(
        ["initdb", "-D", "data", "-U", "adm", "-A", "scram-sha-256", "--pwfile=password", "-N"],
        cwd=folder,
        check=True,
        capture_output=True,
        **user,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = ["postgres", "-D", "data", "-p", port, "-k", str(folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    server = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, **user)
    try:
        for _ in range(300):
            try:
                with psycopg.connect(
                    host="127.0.0.1", port=int(port), user="adm", password="admin-password", dbname="postgres", autocommit=True
                ) as connection:
                    for statement in (TABLE, ROW, "insert into t (id) values (2)", "create table w (like t including all)", *REPORTS):
                        connection.execute(statement)
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        yield {"host": "127.0.0.1", "port": port, "username": "adm", "db": "postgres"}
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _store(parameter: dict[str, str], folder: Path, table: str, **more: str) -> SqlDatabaseStore:
    (folder / "password").write_text("admin-password")
    return open_sql_database(
        ExternalStoreDescriptor(f"pg_{table}", "postgresql", {**parameter, "table": table, **more}, Secret(f"file:{folder / 'password'}"))
    )


def test_types_conditions_and_writes(parameter: dict[str, str], tmp_path: Path) -> None:
    store = _store(parameter, tmp_path, "t", timezone="+08:00")
    names = [column.name for column in store.columns()]
    assert rows(store.read(names)) == [READ, (2, *[None] * 15)]
    assert rows(store.read(["id"], [Condition("v", "=", ("ab",)), Condition("id", "in", tuple(range(3000)))])) == [(1,)]
    target = _store(parameter, tmp_path, "w", timezone="+08:00")
    written = list(store.read(names[:-1]))
    assert target.write(written) == 2
    assert rows(target.read(names)) == [READ, (2, *[None] * 15)]
    with pytest.raises(StoreRejected, match="duplicate key") as caught:
        target.write(written)
    assert "nothing was written" in (caught.value.hint or "")
    with pytest.raises(StoreRejected, match=r"sixsix does not fit"):
        target.write([pa.record_batch([*written[0].columns[:6], pa.array(["sixsix", "x"]), *written[0].columns[7:]], names[:-1])])
    report = target.check()
    assert report.server.startswith("PostgreSQL")
    assert report.grants == ("SELECT", "INSERT")


def _report(*found: tuple[int, str, str], named: bool = False) -> list[Any]:
    columns = {
        "minute": pa.array([row[0] for row in found], pa.int64()),
        "city": pa.array([row[1] for row in found], pa.string()),
        "at": pa.array([dt.datetime.fromtimestamp(row[0], dt.UTC) for row in found], pa.timestamp("us", "UTC")),
        "run_id": pa.array([None] * len(found), pa.string()),
        "n": pa.array([Decimal(row[2]) for row in found], pa.decimal128(5, 2)),
    }
    return [pa.record_batch({name: column for name, column in columns.items() if not (named and name == "run_id")})]


def _commit(attempt: int, instance: str = "one", **more: Any) -> TableCommit:
    return TableCommit("job", attempt, instance, 1, Interval(600, 1200), **more)


def test_rows_of_an_instance_are_committed_once(parameter: dict[str, str], tmp_path: Path) -> None:
    store = _store(parameter, tmp_path, "r", timezone="+08:00")
    first, other = (600, "Oslo", "1.25"), (660, "Rome", "2")

    def stored() -> list[tuple[Any, ...]]:
        return sorted(rows(store.read(["minute", "city", "run_id", "n"])))

    keys: dict[str, Any] = {"key_columns": ("minute", "city")}
    assert store.commit_rows(_report(first, other), _commit(1, **keys)) == TableCommitted(2, True, 1)
    assert store.commit_rows(_report(first), _commit(1, **keys)) == TableCommitted(2, False, 1)
    assert store.commit_rows(_report((600, "Oslo", "7.5")), _commit(2, **keys)) == TableCommitted(1, True, 2)
    assert stored() == [(600, "Oslo", None, Decimal("7.5")), (660, "Rome", None, Decimal(2))]
    with pytest.raises(StoreRejected, match="duplicate key") as caught:
        store.commit_rows(_report(first, first), _commit(3, **keys))
    assert "two rows of the result" in (caught.value.hint or "")
    for column in ("minute", "at"):
        attempt = 4 if column == "minute" else 5
        assert store.commit_rows(_report(first), _commit(attempt, window_column=column)).applied
        assert stored() == [(600, "Oslo", None, Decimal("1.25"))]
        with pytest.raises(StoreRejected, match=f"does not fit column {column}"):
            store.commit_rows(_report((1200, "Oslo", "1")), _commit(attempt + 1, window_column=column))
    with pytest.raises(CommitConflict, match="attempt 4 of the job 'job' was overtaken"):
        store.commit_rows(_report(first), _commit(4, "two"))
    assert store.commit_rows([], _commit(6, window_column="at")).rows == 0
    for attempt in (7, 8):
        assert store.commit_rows(_report(first, other, named=True), _commit(attempt, "two", instance_column="run_id")).applied
        assert [row[2] for row in stored()] == ["two", "two"]


def test_a_user_who_may_not_create_gets_the_statement_to_run(parameter: dict[str, str], tmp_path: Path) -> None:
    import psycopg

    store = _store(parameter, tmp_path, "r", schema="other", username="reader")
    with pytest.raises(StoreRejected, match="permission denied for schema other") as caught:
        store.commit_rows(_report((600, "a", "1")), _commit(1))
    definition = (caught.value.hint or "").partition(": ")[2]
    assert definition.startswith("CREATE TABLE other.logsluice_instance (")
    with psycopg.connect(
        host="127.0.0.1", port=int(parameter["port"]), user="adm", password="admin-password", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(definition.encode())
        connection.execute("grant select, insert, update, delete on other.logsluice_instance to reader")
    assert store.commit_rows(_report((600, "a", "1")), _commit(1)) == TableCommitted(1, True, 1)


def test_refusals(parameter: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.connectors.sql_database._PAUSES", (0.01,))
    for more, kind, message in (
        ({"table": "tt"}, StoreRejected, "no table 'tt'"),
        ({"db": "nowhere"}, StoreRejected, "does not exist"),
        ({"username": "x"}, StoreRejected, "authentication failed"),
        ({"port": "1"}, StoreUnavailable, "refused"),
    ):
        with pytest.raises(kind, match=message) as caught:
            _store(parameter, tmp_path, more.get("table", "t"), **{key: value for key, value in more.items() if key != "table"}).columns()
        assert caught.value.hint
        assert "admin-password" not in f"{caught.value!r} {caught.value.hint}"
