"""A database server that restarts or dies between reads, in the middle of a read, and in the middle of a write."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.connectors.sql_stores import mysql_store, rows
from tests.mariadb import Database, MariadbServer
from transforms.core.errors import StoreUnavailable


@pytest.fixture
def database(mariadb: MariadbServer) -> Database:
    made = mariadb.database()
    made.execute(
        "create table many (id bigint primary key, name varchar(200))",
        "insert into many select seq, repeat('x', 150) from seq_1_to_100000",
        "create table target (id bigint primary key)",
    )
    return made


def _batch(start: int, rows: int = 10_000) -> Any:
    return pa.record_batch({"id": pa.array(range(start, start + rows))})


def test_a_restart_between_two_reads_goes_unnoticed(mariadb: MariadbServer, database: Database, tmp_path: Path) -> None:
    store = mysql_store(database, "many", tmp_path)
    assert sum(batch.num_rows for batch in store.read(["id"])) == 100_000
    mariadb.restart()
    assert sum(batch.num_rows for batch in store.read(["id"])) == 100_000
    assert mysql_store(database, "target", tmp_path).write([_batch(0)]) == 10_000


def test_a_server_that_starts_late_is_waited_for(mariadb: MariadbServer, database: Database, tmp_path: Path) -> None:
    store = mysql_store(database, "many", tmp_path)
    mariadb.kill()
    counted: list[int] = []
    reading = threading.Thread(target=lambda: counted.append(sum(batch.num_rows for batch in store.read(["id"]))))
    reading.start()
    time.sleep(0.5)
    mariadb.start()
    reading.join()
    assert counted == [100_000]


def test_a_server_that_stays_away_is_said_to_be(
    mariadb: MariadbServer, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.connectors.sql_database._PAUSES", (0.01, 0.01))
    store = mysql_store(database, "many", tmp_path)
    store.columns()
    mariadb.kill()
    try:
        for action in (
            lambda: list(store.read(["id"])),
            lambda: store.write([pa.record_batch({"id": pa.array([1]), "n": pa.array(["x"])})]),
        ):
            with pytest.raises(StoreUnavailable, match="'s_many'") as caught:
                action()
            assert "host and port" in (caught.value.hint or "")
            assert database.password not in f"{caught.value!r} {caught.value.hint}"
    finally:
        mariadb.start()


def test_a_server_that_dies_in_the_middle_of_a_read_fails_the_read(mariadb: MariadbServer, database: Database, tmp_path: Path) -> None:
    store = mysql_store(database, "many", tmp_path)
    reading = store.read(["id", "name"])
    next(reading)
    mariadb.kill()
    try:
        with pytest.raises(StoreUnavailable, match="reading"):
            for _ in reading:
                pass
    finally:
        mariadb.start()
    assert sum(batch.num_rows for batch in store.read(["id"])) == 100_000


def test_a_server_that_dies_in_the_middle_of_a_write_keeps_nothing(mariadb: MariadbServer, database: Database, tmp_path: Path) -> None:
    store = mysql_store(database, "target", tmp_path)

    def batches() -> Iterator[Any]:
        yield _batch(0)
        yield _batch(10_000)
        mariadb.kill()
        yield _batch(20_000)

    try:
        with pytest.raises(StoreUnavailable, match="'s_target'"):
            store.write(batches())
    finally:
        mariadb.start()
    assert rows(store.read(["id"])) == []
    assert store.write([_batch(0)]) == 10_000


def test_a_connection_cut_half_way_keeps_nothing(mariadb: MariadbServer, database: Database, tmp_path: Path) -> None:
    store = mysql_store(database, "target", tmp_path)

    def batches() -> Iterator[Any]:
        yield _batch(0)
        for (number,) in mariadb.execute(f"select id from information_schema.processlist where user = '{database.user}'"):
            mariadb.execute(f"kill {number}")
        yield _batch(10_000)

    with pytest.raises(StoreUnavailable, match="'s_target'"):
        store.write(batches())
    assert rows(store.read(["id"])) == []


def test_a_connection_lost_while_committing_is_called_unknown(mariadb: MariadbServer, database: Database, tmp_path: Path) -> None:
    from transforms.core.durable import observe

    store = mysql_store(database, "target", tmp_path)
    observe(lambda operation, moment: mariadb.kill() if (operation, moment) == ("external-store.commit", "before") else None)
    try:
        with pytest.raises(StoreUnavailable, match="unknown whether the rows were written") as caught:
            store.write([_batch(0)])
        assert "look into the table" in (caught.value.hint or "")
    finally:
        observe(None)
        mariadb.start()
    assert len(rows(store.read(["id"]))) in {0, 10_000}
