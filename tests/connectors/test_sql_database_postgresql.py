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
from transforms.core.errors import StoreRejected, StoreUnavailable
from transforms.core.secret import Secret
from transforms.stores.external_store import Condition, ExternalStoreDescriptor

pytestmark = pytest.mark.skipif(
    shutil.which("postgres") is None or shutil.which("initdb") is None or importlib.util.find_spec("psycopg") is None,
    reason="PostgreSQL and psycopg are optional",
)
TABLE = """create table t (id bigint primary key, i int, r real, d double precision, n numeric(10,2), nn numeric, v varchar(5), t text,
b boolean, ts timestamp, tz timestamptz, da date, by bytea, u uuid, j jsonb, twice int generated always as (i * 2) stored)"""
ROW = """insert into t values (1, 2, 0.5, 1e300, 1.25, 7, 'ab', '😀', true, 'infinity', '2024-01-01 00:00:00+00', '2024-02-29',
'\\x00ff', '123e4567-e89b-12d3-a456-426655440000', '{"a":1}')"""
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
                    for statement in (TABLE, ROW, "insert into t (id) values (2)", "create table w (like t including all)"):
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
