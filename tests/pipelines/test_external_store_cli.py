"""ExternalStores on the command line, in both spellings, and that a password goes nowhere but into its own file."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from pipelines.home import Home
from tests.conftest import Cli
from tests.crash import count_moments, run, run_killed_at
from tests.mariadb import Database, MariadbServer

TEXT = "Pa55-w0rd-as-text"


@pytest.fixture(scope="module")
def database(mariadb: MariadbServer) -> Database:
    made = mariadb.database()
    made.execute("create table chiji_user (uid int not null primary key, user_nick text, gender tinyint(1))")
    return made


def _write(path: Path, name: str, **parameter: Any) -> str:
    full = {
        "vpc-id": "", "instance-id": "", "region": "", "host": "127.0.0.1", "port": "1", "username": "u", "password": TEXT,
        "db": "chiji", "table": "chiji_user", **parameter,
    }  # fmt: skip
    path.write_text(json.dumps({"externalStoreName": name, "storeType": "rds-vpc", "parameter": full}))
    return f"file://{path}"


def _files_with(folder: Path, text: str) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()}


def test_the_life_of_a_store(cli: Cli, home: Home, tmp_path: Path, database: Database) -> None:
    config = _write(tmp_path / "config.json", "chiji_user", **database.parameter("chiji_user"))
    created = cli("external-store", "create", "--config", config)
    assert (created.stdout, created.stderr, created.code) == ("", "", 0)

    got = cli("external-store", "get", "chiji_user")
    shown = json.loads(got.stdout)
    assert shown["externalStoreName"] == "chiji_user"
    assert shown["parameter"]["username"] == database.user
    assert "password" not in shown["parameter"]

    listed = json.loads(cli("external-store", "list", "--format", "json", "--pattern", "iji").stdout)
    assert listed == {"count": 1, "total": 1, "externalstores": ["chiji_user"]}
    assert "chiji_user" in cli("external-store", "list").stdout
    assert cli("external-store", "list", "--pattern", "x", "--format", "jsonl").stdout == ""

    checked = cli("external-store", "check", "chiji_user")
    assert checked.code == 0
    assert "MariaDB" in checked.stderr
    assert "utf8mb4" in checked.stderr
    assert [line.split()[0] for line in checked.stdout.splitlines()[2:]] == ["uid", "user_nick", "gender"]
    report = json.loads(cli("external-store", "check", "chiji_user", "--format", "json").stdout)
    assert report["columns"][0] == {"name": "uid", "type": "int(11)", "sql_type": "bigint", "nullable": False}

    secret_files = list(home.secrets_dir.iterdir())
    assert len(secret_files) == 1
    assert stat.S_IMODE(secret_files[0].stat().st_mode) == 0o600
    assert _files_with(home.path, database.password) == set(secret_files)
    for result in (created, got, checked):
        assert database.password not in result.stdout + result.stderr

    again = cli("external-store", "create", "--config", config)
    assert again.code == 2
    assert "LogStoreAlreadyExist" in again.stderr
    assert list(home.secrets_dir.iterdir()) == secret_files

    _write(tmp_path / "config.json", "chiji_user", **database.parameter("chiji_user", password="another-one"))
    assert cli("external-store", "update", "--config", config).code == 0
    assert _files_with(home.path, database.password) == set()
    refused = cli("external-store", "check", "chiji_user")
    assert refused.code == 3
    assert "Access denied" in refused.stderr
    assert "another-one" not in refused.stderr

    deleted = cli("external-store", "delete", "chiji_user")
    assert (deleted.stdout, deleted.stderr, deleted.code) == ("", "", 0)
    assert list(home.secrets_dir.iterdir()) == []
    assert cli("external-store", "delete", "chiji_user").code == 2
    assert database.execute("select count(*) from chiji_user") == ((0,),)


def test_the_spelling_of_the_log_service(cli: Cli, tmp_path: Path) -> None:
    config = _write(tmp_path / "config.json", "chiji_user", host="")
    missing = cli("log", "create_external_store", "--project_name=log-rds-demo", f"--config={config}")
    assert missing.code == 2
    assert "ProjectNotExist" in missing.stderr
    assert "logsluice project create log-rds-demo" in missing.stderr
    assert cli("project", "create", "log-rds-demo").code == 0
    project = "--project_name=log-rds-demo"
    for arguments in (["create_external_store", f"--config={config}"], ["update_external_store", f"--config={config}"]):
        done = cli("log", arguments[0], project, *arguments[1:])
        assert (done.stdout, done.stderr, done.code) == ("", "", 0)
    listed = json.loads(cli("log", "list_external_store", project, "--external_store_name_pattern=chi", "--offset=0", "--size=10").stdout)
    assert listed == {"count": 1, "total": 1, "externalstores": ["chiji_user"]}
    assert json.loads(cli("log", "get_external_store", project, "--store_name=chiji_user").stdout)["storeType"] == "rds-vpc"
    unknown = cli("log", "get_external_store", project, "--store_name=chiji_usr")
    assert unknown.code == 2
    assert "chiji_user" in unknown.stderr
    assert cli("log", "list_external_store", project, "--size=501").code == 2
    done = cli("log", "delete_external_store", project, "--store_name=chiji_user")
    assert (done.stdout, done.stderr, done.code) == ("", "", 0)


def test_a_password_on_the_command_line_is_refused(cli: Cli, home: Home) -> None:
    inline = {"externalStoreName": "aa", "storeType": "rds-vpc", "parameter": {"password": TEXT, "db": "d", "table": "t"}}
    refused = cli("external-store", "create", "--config", json.dumps(inline))
    assert refused.code == 2
    assert "command line" in refused.stderr
    assert "file:///path/config.json" in refused.stderr
    assert TEXT not in refused.stderr
    assert _files_with(home.path, TEXT) == set()
    inline["parameter"]["password"] = "env:CHIJI"  # type: ignore[index]
    assert cli("external-store", "create", "--config", json.dumps(inline)).code == 0
    assert json.loads(cli("external-store", "get", "aa").stdout)["parameter"]["password"] == "env:CHIJI"
    inline.update(externalStoreName="bb")
    inline["parameter"].update(password=TEXT)  # type: ignore[attr-defined]
    assert cli("external-store", "create", "--config", "-", input=json.dumps(inline)).code == 0
    assert len(_files_with(home.path, TEXT)) == 1


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("file:///nowhere/config.json", "cannot be read: No such file"),
        ("config.json", "neither a file:// address nor JSON"),
        ("{", "the configuration is not JSON"),
    ],
)
def test_a_config_that_cannot_be_read(cli: Cli, argument: str, message: str) -> None:
    failed = cli("external-store", "create", "--config", argument)
    assert failed.code == 2
    assert message in failed.stderr
    assert "hint:" in failed.stderr


def test_paths_are_kept_absolute_and_uploads_in_the_home(cli: Cli, home: Home, tmp_path: Path) -> None:
    content = b"uid,nick\n1,Ann\n"
    columns = [{"name": "uid", "type": "bigint"}, {"name": "nick", "type": "varchar"}]
    upload = {"columns": columns, "objects": ["u.csv"], "externalStoreCsv": base64.b64encode(zlib.compress(content)).decode()}
    (tmp_path / "here.csv").write_bytes(content)
    for name, kind, parameter in (
        ("uploaded", "csv", upload), ("local", "csv", {"path": "here.csv"}), ("lite", "sqlite", {"db": "here.db", "table": "t"}),
    ):  # fmt: skip
        config = {"externalStoreName": name, "storeType": kind, "parameter": parameter}
        assert cli("external-store", "create", "--config", json.dumps(config), cwd=tmp_path).code == 0, name
    assert "uid" in cli("external-store", "check", "uploaded").stdout
    assert "uid" in cli("external-store", "check", "local").stdout
    assert json.loads(cli("external-store", "get", "lite").stdout)["parameter"]["db"] == str(tmp_path / "here.db")
    assert "there is no SQLite file" in cli("external-store", "check", "lite").stderr
    assert cli("external-store", "delete", "uploaded").code == 0
    assert list((home.path / "external-stores").iterdir()) == []


def test_a_verb_killed_anywhere_leaves_the_old_or_the_new_store(cli: Cli, home: Home, tmp_path: Path) -> None:
    config = _write(tmp_path / "config.json", "ss", password=f"{TEXT}-1")
    environment = {**os.environ, "LOGSLUICE_HOME": str(home.path)}
    create = ["pipelines", "external-store", "create", "--config", config]
    for n in range(2):  # before and after the secret is written
        run_killed_at(create, n, environment)
        assert json.loads(cli("external-store", "list", "--format", "json").stdout)["total"] == 0
    run(create, environment)
    _write(tmp_path / "config.json", "ss", password=f"{TEXT}-2")
    update = ["pipelines", "external-store", "update", "--config", config]
    moments = count_moments(update, environment)
    assert {"external-store.secret before", "external-store.update after"} <= set(moments)
    for n, moment in enumerate(moments):
        run_killed_at(update, n, environment)
        password = home.catalogue().external_store("default", "ss").password.reveal()
        assert password == f"{TEXT}-2", moment
    for path in home.secrets_dir.iterdir():
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    run(update, environment)
    assert len(_files_with(home.path, TEXT)) == 1


def test_a_home_that_cannot_be_written_says_so(cli: Cli, home: Home, tmp_path: Path) -> None:
    config = _write(tmp_path / "config.json", "ss")
    home.secrets_dir.rmdir()
    home.secrets_dir.write_text("in the way")
    failed = cli("external-store", "create", "--config", config)
    assert failed.code == 3
    assert TEXT not in failed.stderr
