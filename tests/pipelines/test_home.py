"""The home: private folders, Logstores made and deleted by several processes at once, places the user names."""

from __future__ import annotations

import multiprocessing
import stat
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.home import DEFAULT_PROJECT, Home
from tests.schedule.sql_ledger import made
from transforms.connectors import open_catalogue
from transforms.core.errors import AlreadyExists, LogsluiceError, NotFound, ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.stores.consumer_group import ConsumerGroup
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

NGINX = LogstoreDescriptor("default", "nginx", "", even_shards(2))


def test_folders_are_private_and_the_default_project_exists(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "a" / "home")
    for folder in (home.path, home.logstores_dir, home.secrets_dir, home.dead_letters_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    assert home.catalogue().list_projects() == (DEFAULT_PROJECT,)
    home.close()
    again = Home.create(tmp_path / "a" / "home")
    assert again.catalogue().list_projects() == (DEFAULT_PROJECT,)
    again.close()


def test_unknown_names_are_answered_with_the_nearest(home: Home) -> None:
    home.create_logstore(NGINX)
    with pytest.raises(NotFound) as caught:
        home.open_logstore("default", "ngnix")
    assert (caught.value.code, caught.value.hint) == ("LogStoreNotExist", "did you mean 'nginx'?")
    with pytest.raises(NotFound) as caught:
        home.open_external_store("default", "users")
    assert caught.value.code == "ExternalStoreNotExist"


def test_a_refused_creation_leaves_no_folder(home: Home) -> None:
    home.create_logstore(NGINX)
    with pytest.raises(AlreadyExists):
        home.create_logstore(NGINX)
    with pytest.raises(ParameterInvalid):
        home.create_logstore(replace(NGINX, name="Bad Name"))
    with pytest.raises(ParameterInvalid):
        home.create_logstore(replace(NGINX, name="../../outside"))
    with pytest.raises(NotFound):
        home.create_logstore(replace(NGINX, project="nosuch"))
    assert [path.name for path in home.logstores_dir.rglob("*") if path.is_dir() and path.parent == home.logstores_dir / "default"] == [
        "nginx"
    ]
    assert list(home.path.parent.iterdir()) == [home.path]


def test_a_name_taken_by_an_external_store(home: Home) -> None:
    home.catalogue().create_external_store("default", ExternalStoreDescriptor("nginx", "sqlite", {}))
    with pytest.raises(AlreadyExists):
        home.create_logstore(NGINX)
    assert not (home.logstores_dir / "default" / "nginx").exists()


def test_a_place_of_the_users_own(home: Home, tmp_path: Path) -> None:
    elsewhere = replace(NGINX, location=str(tmp_path / "elsewhere"))
    store = home.create_logstore(elsewhere)
    store.append([LogGroup.from_logs([{"a": "1"}], [1])])
    with pytest.raises(LogsluiceError):
        home.create_logstore(replace(elsewhere, name="other"))
    assert home.open_logstore("default", "nginx").snapshot().rows_total == 1, "a refused creation took somebody else's logs"
    assert home.catalogue().list_logstores("default").names == ("nginx",)
    home.delete_logstore("default", "nginx")
    assert not list((tmp_path / "elsewhere").rglob("*.parquet"))


def test_many_processes_make_and_delete_one_name(home: Home) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        outcomes = list(pool.map(_churn, [home.path] * 3))
    assert {code for _, codes in outcomes for code in codes} <= {"LogStoreAlreadyExist", "LogStoreNotExist"}
    assert sum(made for made, _ in outcomes) == 9
    assert home.catalogue().list_logstores("default").total == 0
    home.create_logstore(NGINX)
    assert home.open_logstore("default", "nginx").snapshot().rows_total == 0


def _churn(path: Path) -> tuple[int, list[str]]:
    home, made, codes = Home(path), 0, []
    while made < 3:
        try:
            home.create_logstore(NGINX).append([LogGroup.from_logs([{"a": "1"}], [1])])
            made += 1
            home.delete_logstore("default", "nginx")
        except LogsluiceError as error:
            codes.append(error.code)
    home.close()
    return made, codes


def test_the_ledger_of_scheduled_sql_is_opened_once_and_closed_with_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    ledger = home.schedule_ledger()
    assert home.schedule_ledger() is ledger and ledger.list_tasks("default") == ()
    ledger.create_task(made())
    home.close()
    again = Home(tmp_path / "new")
    assert [entry.task.name for entry in again.schedule_ledger().list_tasks("default")] == ["per-minute"]
    again.close()


def test_the_ledger_is_in_the_catalogues_database(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    home.schedule_ledger().create_task(made())
    home.close()
    assert not (tmp_path / "home" / "catalogue.sqlite").exists()
    catalogue = open_catalogue(tmp_path / "elsewhere.sqlite")
    with pytest.raises(LogsluiceError, match="per-minute"):
        catalogue.delete_project("default")
    catalogue.close()


def test_consumer_groups_are_opened_once_and_kept_with_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    with pytest.raises(LogsluiceError, match="nginx"):
        home.consumer_groups("default", "nginx")
    home.create_logstore(NGINX)
    groups = home.consumer_groups("default", "nginx")
    assert home.consumer_groups("default", "nginx") is groups and groups.list() == ()
    groups.create(ConsumerGroup("jobs", 60))
    home.close()
    again = Home(tmp_path / "new")
    assert again.consumer_groups("default", "nginx").list() == (ConsumerGroup("jobs", 60),)
    again.delete_logstore("default", "nginx")
    again.create_logstore(NGINX)
    assert again.consumer_groups("default", "nginx").list() == (), "the groups of a Logstore go with it"
    again.close()
