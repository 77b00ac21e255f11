"""What previews find around a rule: pasted files first, else the databases and Logstores that a job would have."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from tests.conftest import Cli
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

RULE = """
e_table_map(res_rds_mysql(res_local("address"), "reader", res_local("password", type="raw"), "crm", "users", fields=["id", "name"]), "id", "name")
e_table_map(res_log_logstore_pull("", "id", "key", "", "cities", ["id", "city"]), "id", "city")
"""


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    (tmp_path / "rule.etl").write_text(RULE)
    (tmp_path / "log.json").write_text('{"id": "1"}')
    return tmp_path / "rule.etl"


def shown(cli: Cli, rule: Path, *more: str) -> dict[str, Any]:
    result = cli("preview", str(rule), "--input", str(rule.parent / "log.json"), "--format", "json", *more)
    assert result.code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)["logs"][0]["outputs"][0]
    return found


def test_a_preview_asks_real_stores(cli: Cli, home: Home, rule: Path) -> None:
    with closing(sqlite3.connect(rule.parent / "crm.db")) as connection:
        connection.executescript("create table users (id text, name text); insert into users values ('1', 'Ann')")
    store = home.create_logstore(LogstoreDescriptor("default", "cities", "", even_shards(1)))
    store.append([LogGroup.from_logs([{"id": "1", "city": "Oslo"}], [1])])
    found = shown(cli, rule, "-p", f"address=sqlite:{rule.parent / 'crm.db'}", "-p", "password=12345")
    assert "Ann" in str(found) and "Oslo" in str(found)


def test_pasted_files_come_first(cli: Cli, home: Home, rule: Path) -> None:
    (rule.parent / "users.csv").write_text("id,name,other\n1,Bob,x\n")
    (rule.parent / "cities.csv").write_text("id,city\n1,Rome\n")
    found = shown(
        cli, rule, "-p", "address=db.invalid:3306", "-p", "password=s3cr3t",
        "--table", f"users={rule.parent / 'users.csv'}", "--table", f"cities={rule.parent / 'cities.csv'}",
    )  # fmt: skip
    assert "Bob" in str(found) and "Rome" in str(found)
    assert not (home.path / "logstores" / "default" / "cities").exists()


def test_a_database_that_does_not_answer_is_not_waited_for_long(cli: Cli, rule: Path) -> None:
    started = time.monotonic()
    result = cli("preview", str(rule), "--input", str(rule.parent / "log.json"), "-p", "address=127.0.0.1:1", "-p", "password=s3cr3t")
    assert result.code == 1 and time.monotonic() - started < 60
    assert "mysql 127.0.0.1:1/crm" in result.stdout
    assert "s3cr3t" not in result.stdout + result.stderr
